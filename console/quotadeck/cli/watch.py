"""``quotadeck watch``: the present as plain lines, for screen readers, dumb terminals and logs.

What holds is told once, then what changes, then sums every minute: no line says what one above it
said, nothing is drawn over, and nothing has to be seen in its place.
"""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from quotadeck.cli.exits import Exit
from quotadeck.cli.reach import gateway_options, in_words, locate
from quotadeck.cli.show import clock, json_text, say, stamp
from quotadeck.clock import MachineClock
from quotadeck.domain.ages import share
from quotadeck.domain.capability import FigureKind
from quotadeck.domain.days import rfc3339
from quotadeck.domain.money import usd_short
from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.state import State, StateKind, Urgency
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.text import clean
from quotadeck.domain.totals import totals
from quotadeck.sources import open_source
from quotadeck.words import say as worded
from quotadeck.words import text
from quotadeck.words.numbers import three
from quotadeck.words.states import MARKS, lines_of

if TYPE_CHECKING:
    from quotadeck.tui.link import Link

SUMS_MS: Final = 60_000
LOOK_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Told:
    """A line: of what kind, about whom (may be empty), in words."""

    at_us: int
    kind: str
    subject: str
    words: str


@dataclass(slots=True)
class Teller:
    """From readings to lines: it remembers what it said, by subject and event."""

    _said: dict[Subject, State] = field(default_factory=dict)
    _events: frozenset[str] | None = None
    _summed_ms: int | None = None
    _problem: str = ""

    def lines(self, snapshot: Snapshot) -> Iterator[Told]:
        """What this reading has that was not told yet."""
        if self._problem:
            self._problem = ""
            yield Told(snapshot.at_us, "link", "", text("watch.back"))
        yield from self._states(snapshot)
        seen = frozenset(event.id for event in snapshot.events)
        for event in reversed(snapshot.events):
            if self._events is not None and event.id not in self._events:
                words = clean(worded(event.told, clock), 400)
                yield Told(event.at_us, "event", event.subject, words)
        self._events = seen
        if self._summed_ms is None or snapshot.now_ms - self._summed_ms >= SUMS_MS:
            self._summed_ms = snapshot.now_ms
            yield Told(snapshot.at_us, "sums", "", _sums(snapshot))

    def lost(self, problem: str, at_us: int) -> Iterator[Told]:
        """That there are no readings, once, and why."""
        if problem != self._problem:
            self._problem = problem
            yield Told(at_us, "link", "", text("watch.lost", problem=clean(problem, 400)))

    def _states(self, snapshot: Snapshot) -> Iterator[Told]:
        now = _states(snapshot)
        changed = [
            (subject, state)
            for subject, state in now.items()
            if _kind(state) != _kind(self._said.get(subject))
        ]
        for subject, state in sorted(changed, key=lambda one: one[1].place):
            words = "; ".join(lines_of(state, snapshot.now_ms, snapshot.at_us)) or _ok()
            mark = "‖" if state.kind is StateKind.PAUSED else MARKS[state.urgency].strip()
            line = text("watch.state", mark=mark, name=subject.name, words=words)
            yield Told(snapshot.at_us, "state", str(subject), clean(line.strip(), 400))
        for subject in [one for one in self._said if one not in now]:
            line = text("watch.state", mark="", name=subject.name, words=_ok())
            yield Told(snapshot.at_us, "state", str(subject), clean(line.strip(), 400))
        self._said = now


def _ok() -> str:
    return text("state.ok")


def _kind(state: State | None) -> tuple[object, ...]:
    """What makes a state another one to be told: neither its counts nor its age."""
    if state is None:
        return (StateKind.OK, "", "", Urgency.CALM, ())
    behind = tuple((held.kind, held.cause, held.who) for held in state.others)
    return (state.kind, state.cause, state.who, state.urgency, behind)


def _states(snapshot: Snapshot) -> dict[Subject, State]:
    """The states of all that is not simply well."""
    states = {
        **{Subject.project(row.id): row.state for row in snapshot.projects},
        **{Subject.model(row.id): row.state for row in snapshot.routes},
        **{Subject.target(row.id): row.state for row in snapshot.targets},
        Subject(SubjectKind.GATEWAY, snapshot.vitals.name): snapshot.vitals.state,
    }
    return {subject: state for subject, state in states.items() if state.kind is not StateKind.OK}


def _sums(snapshot: Snapshot) -> str:
    sums = totals([(FigureKind.ENFORCED, snapshot.projects)])[FigureKind.ENFORCED]
    return text(
        "watch.sums",
        trouble=sums.in_trouble,
        asked=three(sums.requests + sums.refused),
        refused=three(sums.refused + snapshot.vitals.strangers_refused_60s),
        failed=share(sums.failed, sums.ended),
        today=usd_short(sums.today_nano),
        budget=usd_short(sums.budget_nano),
    )


@click.command()
@gateway_options
def watch(*, socket: Path | None, as_json: bool) -> int:
    """What holds and what changes, as plain lines; ^C ends it.

    For screen readers, for terminals that cannot place a cursor, and to be written to a file. With
    --json each line is an object: at, kind (state, event, sums, link), subject, text.
    """
    return watching(socket, as_json=as_json)


def watching(socket: Path | None, *, as_json: bool = False) -> int:
    """Tell lines until the process is ended. Stop with UNREACHABLE where nobody answers."""
    from quotadeck.tui.link import Link

    found = locate(socket)
    source = open_source("gateway", found.path)
    with in_words(found.why):
        source.ask_ahead()
    asyncio.run(_watch(Link(source, MachineClock(), lambda: None), as_json=as_json))
    return Exit.OK


async def _watch(link: "Link", *, as_json: bool) -> None:
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(line_buffering=True)
    link.go_on()
    teller, following = Teller(), asyncio.create_task(link.follow())
    shown: Snapshot | None = None
    try:
        while True:
            picture = link.picture()
            if link.problem:
                _tell(teller.lost(link.problem, link.wall_us()), as_json=as_json)
            elif picture is not None and picture.snapshot is not shown:
                shown = picture.snapshot
                _tell(teller.lines(shown), as_json=as_json)
            await asyncio.sleep(LOOK_S if shown else LOOK_S / 10)
    finally:
        following.cancel()
        await link.close()


def _tell(lines: Iterator[Told], *, as_json: bool) -> None:
    for told in lines:
        if as_json:
            at, words = rfc3339(told.at_us), told.words
            line = {"at": at, "kind": told.kind, "subject": told.subject, "text": words}
            say(json_text(line, indent=None))
        else:
            say(f"{stamp(told.at_us)} {told.words}")

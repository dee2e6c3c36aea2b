"""A source that plays readings: for tests of the screen alone, without a gateway.

Like the real ones it loads the answers' models only when the first answer is made.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from quotadeck.domain.answers import AuditPage, AuditRow, CommandAnswer
from quotadeck.domain.capability import EVERYTHING, Capabilities, FigureKind, Read
from quotadeck.domain.commands import Code, Command, Entry, Rejected, Role, Value
from quotadeck.domain.days import micros
from quotadeck.domain.detail import Caller, CauseFound, ModelUse, ProjectDetail
from quotadeck.domain.estimate import Bind, Estimate, Hit, Load, Money
from quotadeck.domain.lease import LeasesPage
from quotadeck.domain.notice import notice
from quotadeck.domain.pages import KeyRow, KeysPage
from quotadeck.domain.report import Alarm, AlarmsPage, Report
from quotadeck.domain.routed import Routed
from quotadeck.domain.series import Series, SeriesPage
from quotadeck.domain.snapshot import Snapshot, Whoami
from quotadeck.domain.subject import Subject
from quotadeck.sources.base import Reading, SourceGone
from tests.tui.call_book import CallBook
from tests.tui.scenes import AT_US, ME, MINUTE_US, usd

if TYPE_CHECKING:
    from quotadeck.domain.history import FoundCall
    from quotadeck.domain.pages import CallsPage, EventsPage
    from tests.tui.happened import Happened

ALL = Capabilities(frozenset(Read), EVERYTHING, FigureKind.ENFORCED)


@dataclass
class Scripted:
    """Plays ``script`` one reading every ``every_s``, then heartbeats of the last one for ever.

    ``gone`` raised as an event ends the stream and refuses every call; ``silent`` withholds
    heartbeats. What was commanded stands in ``commands``; ``answer`` makes the answers.
    """

    script: Iterator[Snapshot]
    every_s: float = 1.0
    whoami: Whoami = ME
    label: str = "/run/quotadeck/admin.sock"
    gone: bool = False
    silent: bool = False
    commands: list[tuple[Command, bool]] = field(default_factory=list)
    rows: tuple[AuditRow, ...] = ()
    answer: Callable[[Command, bool], CommandAnswer] | None = None
    can: Capabilities = ALL
    detail: ProjectDetail | None = None
    """Of whichever project is asked for; those stand in ``asked``."""
    models: Routed = field(default_factory=lambda: Routed(AT_US, AT_US, AT_US))
    held: LeasesPage = field(default_factory=lambda: LeasesPage(AT_US))
    asked: list[str] = field(default_factory=list)
    hold: asyncio.Event | None = None
    """Answers wait for it."""
    book: CallBook = field(default_factory=CallBook)
    """The calls on record."""
    happened: Happened | None = None
    """The events and the alarms; where there are none nobody is to ask."""
    passed: Callable[[Sequence[Subject], int, int | None], SeriesPage] | None = None
    """Makes the series of subjects over so many minutes until an instant."""
    was: Callable[[int], Snapshot] | None = None
    """Makes the picture of a past instant; the instants asked for stand in ``asked_at``."""
    asked_at: list[int] = field(default_factory=list)
    alarmed: tuple[Alarm, ...] = ()
    monotonic_ns: Callable[[], int] = time.monotonic_ns
    """When a reading arrives: the console's own clock, where a test turns that."""

    async def stream(self) -> AsyncIterator[Reading]:
        last: Snapshot | None = None
        while True:
            self._check()
            following = next(self.script, None)
            if following is not None or (last is not None and not self.silent):
                last = following or last
                assert last is not None
                yield Reading(last, self.whoami, self.monotonic_ns(), fresh=following is not None)
            await asyncio.sleep(self.every_s)

    @property
    def capabilities(self) -> Capabilities:
        return self.can

    def ask_ahead(self) -> None:
        self._check()

    def load(self) -> None:
        return

    async def alarms(self, since_us: int, until_us: int | None = None) -> AlarmsPage:
        self._check()
        if self.happened is not None:
            return self.happened.between(since_us, until_us)
        until_us = until_us or AT_US
        held = (one for one in self.alarmed if one.began_us < until_us)
        return AlarmsPage(tuple(one for one in held if (one.ended_us or AT_US) >= since_us))

    async def report(self, since_us: int, until_us: int | None = None) -> Report:
        raise AssertionError(f"nobody asks what was from {since_us} to {until_us}")

    async def as_of(self, at_us: int) -> Reading:
        self._check()
        self.asked_at.append(at_us)
        if self.hold is not None:
            await self.hold.wait()
        assert self.was is not None, "nobody asks what was"
        return Reading(self.was(at_us), self.whoami, self.monotonic_ns(), fresh=True)

    async def snapshot(self) -> Reading:
        raise NotImplementedError

    async def command(self, command: Command, *, dry_run: bool) -> CommandAnswer:
        self._check()
        self.commands.append((command, dry_run))
        if self.hold is not None:
            await self.hold.wait()
        return (self.answer or agree)(command, dry_run)

    async def audit(
        self, *, limit: int, before_seq: int | None = None, subject: str = ""
    ) -> AuditPage:
        self._check()
        known = [row for row in self.rows if before_seq is None or row.entry.seq < before_seq]
        rows = [row for row in known if not subject or str(row.entry.subject) == subject][:limit]
        more = len(rows) == limit and rows[-1].entry.seq > 1
        return AuditPage(rows=tuple(rows), next_before_seq=rows[-1].entry.seq if more else None)

    async def calls(
        self, *, last: int, before: str | None = None, after: str | None = None, **asked: Any
    ) -> CallsPage:
        self._check()
        return self.book.page(last=last, before=before, after=after, **asked)

    async def call(self, request_id: str, project: str = "") -> FoundCall | None:  # noqa: ARG002
        self._check()
        return self.book.find(request_id)

    async def events(self, *, last: int, **asked: Any) -> EventsPage:
        if self.happened is not None:
            self._check()
            return self.happened.page(last=last, **asked)
        raise NotImplementedError

    async def series(
        self, subjects: Sequence[Subject], *, minutes: int, until_us: int | None = None
    ) -> SeriesPage:
        self._check()
        return (self.passed or unrecorded)(subjects, minutes, until_us)

    async def leases(self) -> LeasesPage:
        self._check()
        return self.held

    async def keys(self) -> KeysPage:
        self._check()
        return KeysPage((KeyRow("k_b21a86", ("analytics",), "prod", AT_US, "ada"),))

    async def project_detail(self, project: str) -> ProjectDetail:
        self._check()
        self.asked.append(project)
        return replace(self.detail or taken_apart(), project=project)

    async def routed(self) -> Routed:
        self._check()
        return self.models

    async def close(self) -> None:
        return

    def _check(self) -> None:
        if self.gone:
            raise SourceGone(f"{self.label}: nobody answers; is the gateway running?")


def unrecorded(subjects: Sequence[Subject], minutes: int, until_us: int | None) -> SeriesPage:
    """Nothing is on record of any."""
    until_us = AT_US if until_us is None else until_us
    start_us = until_us - until_us % MINUTE_US - minutes * MINUTE_US
    nothing = (None,) * minutes
    rows = tuple(Series(subject, *[nothing] * 6) for subject in subjects)
    return SeriesPage(start_us, minutes, MINUTE_US // 1_000, rows)


def entry(seq: int, *, in_force: bool = True, **more: Any) -> AuditRow:
    """An entry of the audit: mika raised analytics' rpm."""
    made = Entry(
        seq=seq,
        id=f"cmd_{seq:032x}",
        at_us=micros("2026-11-23T18:01:00Z"),
        actor="mika",
        role=Role.OPERATOR,
        origin="socket",
        action="limit",
        subject=Subject.project("analytics"),
        field="rpm",
        value=20,
        before=10,
        after=20,
        reason="batch [bug]",
        public=False,
        until_us=micros("2026-11-23T18:49:00Z"),
        ends=(),
        applied=True,
    )
    return AuditRow(replace(made, **more), in_force)


def refused(words: str, code: Code = "invalid") -> dict[str, Any]:
    """What a refused entry, or its answer, has of its own."""
    return {"applied": False, "refused": Rejected(code, notice("refused.told", text=words))}


def agree(command: Command, dry_run: bool) -> CommandAnswer:
    """Yes to everything, with an estimate for limits."""
    limit = command.action == "limit"
    estimate = Estimate(
        since_us=micros("2026-11-23T17:47:00Z"),
        until_us=micros("2026-11-23T18:02:00Z"),
        minutes=15,
        requests=576,
        admitted_before=302,
        admitted_after=571,
        refused_before=274,
        refused_after=5,
        spend_before_nano=6_100_000_000,
        spend_after_nano=11_400_000_000,
        admitted_really=302,
        counted=150,
        binds=(Bind("target:main/claude-opus-4.7:rpm", 0, 5),),
        hits=(Hit("search", 640, 611, 0, 29),),
        others_refused_after=29,
        loads=(Load("main/claude-opus-4.7", "rpm", 50, 41, 50, 50),),
        money=Money(
            455_000_000_000,
            500_000_000_000,
            500_000_000_000,
            micros("2026-11-23T18:41:00Z"),
            micros("2026-11-23T18:17:00Z"),
            micros("2026-11-24T00:00:00Z"),
        ),
    )
    percent = command.scale_percent
    befores: dict[str, Value] = {
        "limit": 20,
        "fallback": "main/claude-opus-4.7",
        "end_lease": "analytics",
    }
    before = befores.get(command.action)
    until_us = micros("2026-11-23T19:02:00Z") if command.for_ms else command.until_us
    after = (True if before is None else command.value) if percent is None else percent // 5
    warning = "model claude-opus-4.7 would reach 50 of 50 rpm: low priority waits"
    return CommandAnswer(
        applied=not dry_run,
        dry_run=dry_run,
        subject=command.subject,
        field=command.field or "paused",
        before=before,
        after=after,
        until_us=until_us,
        then=before,
        warnings=(notice("refused.told", text=warning),) if limit else (),
        estimate=estimate if limit else None,
    )


def taken_apart() -> ProjectDetail:
    """The last quarter of an hour of analytics in `fire`."""
    return ProjectDetail(
        project="analytics",
        at_us=AT_US,
        since_us=AT_US - 14 * MINUTE_US,
        calls_since_us=AT_US - 14 * MINUTE_US,
        models=(
            ModelUse("claude-opus-4.7", ("main/claude-opus-4.7",), 4_010, 3_710, 300, 60,
                     usd(13.75), 13_500),
            ModelUse("gpt-4.1", ("main/gemini-2.5-flash",), 400, 361, 39, 0, usd(0.75), 5_800),
        ),
        causes=(
            CauseFound("refused", "rpm", 4_071, AT_US - 11 * MINUTE_US, AT_US - 1_000_000,
                       "req_019f0d2a54b07aa29c3e0b4d6f00f9a1", "project:analytics:rpm", 20,
                       1_000_000, 310_000),
            CauseFound("upstream_error", "upstream_429", 60, AT_US - 4 * MINUTE_US,
                       AT_US - 2_000_000, "req_019f0d2a54b07aa29c3e0b4d6f0077c0"),
        ),
        callers=(
            Caller("k_b21a86", 4_400, 4_069, 3_600),
            Caller("k_0777d2", 10, 2, 0),
        ),
        usual_hour_nano=(usd(1.1), usd(1.2), usd(1.4)),
    )  # fmt: skip


def advancing(snapshot: Snapshot, step_ms: int = 1_000) -> Iterator[Snapshot]:
    """The snapshot for ever, its clocks running."""
    while True:
        yield snapshot
        snapshot = replace(
            snapshot, now_ms=snapshot.now_ms + step_ms, at_us=snapshot.at_us + step_ms * 1_000
        )

"""From an ask to its estimate: what is read, how much of it there is time for, and two replays."""

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final, NamedTuple

from quotadeck.backtest.messages import Ask, Told
from quotadeck.backtest.outlook import MINUTE_US, estimate
from quotadeck.backtest.records import Records
from quotadeck.backtest.run import LOOKS_EVERY, replay
from quotadeck.backtest.sharing import Sharing, sharing, wide_open
from quotadeck.backtest.terms import File, Terms, Values
from quotadeck.backtest.trace import read
from quotadeck.domain.rules import rules_of
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.limiter.at_once import complete

WINDOW_MINUTES: Final = 15
_SPARE: Final = 0.8
"""What is planned of the time that there is."""
_MOST_REQUESTS: Final = 400_000
"""Some 300 MB, however much time there is."""


class Superseded(Exception):
    """A newer ask came: nobody waits for this one any more."""


class Foresight:
    """Of one ledger. It learns how fast this machine replays."""

    def __init__(self, records: Records, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._records = records
        self._now_ns = now_ns
        self.read_ns = 6_000.0
        self.replay_ns = 14_000.0
        """A request, as they were last seen: at first as on a slow machine."""

    def told(self, ask: Ask, look: Callable[[], None]) -> Told:
        """The answer. Raises Superseded, from ``look``, and sqlite3.Error."""
        with self._records.one_picture():
            content = self._records.file()
            if not content:
                return Told(ask.number, why="nothing")
            terms, callers, shared = self._shared(ask, File(content))
            window = self._window(ask, callers, shared.projects)
            if window is None:
                return Told(ask.number, why="busy")
            pace = _Pace(self._now_ns)
            trace = read(self._records, terms[0], shared, window.span, window.share, ask.under_way)
        count = len(trace.requests) + len(trace.under_way)
        if count > _ENOUGH:
            self.read_ns = pace.a_request(count)
        # What was read more slowly than thought is replayed once, without the check.
        left_ns = ask.answer_by_ns - self._now_ns()
        twice = window.twice and left_ns > 2 * count * self.replay_ns

        def on() -> None:
            pace.looked()
            look()
            if self._now_ns() > ask.answer_by_ns:
                raise _Late

        pace.begins()
        try:
            was = complete(replay(trace, terms[0], on)) if twice else None
            then = complete(replay(trace, terms[1], on))
            pace.done = count * (2 if twice else 1)
        except _Late:
            return Told(ask.number, why="late")
        finally:
            if pace.done > _ENOUGH:
                self.replay_ns = pace.a_request(pace.done)
        told = estimate(trace, ask.changed, (terms[0], was), (terms[1], then), ask.now_us)
        same = not _changed_since(window.since_us, ask, shared[0])
        return Told(ask.number, replace(told, same_terms=same, all_there_is=window.whole))

    def _shared(
        self, ask: Ask, file: File
    ) -> tuple[tuple[Terms, Terms], list[tuple[str, str]], Sharing]:
        """The terms before and after, who came, and who of them shares a bucket with the change."""
        first_us = _first_us(ask.now_us)
        callers = self._records.callers(first_us)
        values = ask.before, _over(ask)
        refusing = self._records.refusing(first_us, _BY_TARGETS)
        free = wide_open(
            ask.changed,
            callers,
            (Terms(file, values[0]), Terms(file, values[1])),
            refusing,
            lambda buckets: self._records.least(first_us, buckets),
        )
        terms = Terms(file, values[0], free), Terms(file, values[1], free)
        return terms, callers, sharing(ask.changed, callers, terms)

    def _window(
        self, ask: Ask, callers: Collection[tuple[str, str]], projects: Collection[str]
    ) -> "_Window | None":
        """How much there is time for; None where not even a minute.

        Whole minutes: the newest, and the present one as far as it has come; where not even one
        fits with it, the last whole one alone.
        """
        this_us, first_us = ask.now_us - ask.now_us % MINUTE_US, _first_us(ask.now_us)
        all_came = came = self._records.came(first_us, None)
        if len(projects) < len({project for project, _ in callers}):
            came = self._records.came(first_us, projects)
        began_us = self._records.began_us()
        first_us = max(first_us, began_us - began_us % MINUTE_US)
        total = sum(all_came.values())
        share = sum(came.values()) / total if total else 0.0
        left_ns = max(0, ask.answer_by_ns - self._now_ns()) * _SPARE
        for twice in (True, False):
            each_ns = self.read_ns + self.replay_ns * (2 if twice else 1)
            room = min(_MOST_REQUESTS, int(left_ns / each_ns))
            since_us = this_us
            left = room - came.get(this_us, 0)
            while left >= 0 and since_us > first_us:
                left -= came.get(since_us - MINUTE_US, 0)
                if left >= 0:
                    since_us -= MINUTE_US
            if since_us < this_us or (left >= 0 and first_us >= this_us):
                return _Window(since_us, ask.now_us, since_us <= first_us, twice, share)
            if came.get(this_us - MINUTE_US, 0) <= room:
                return _Window(this_us - MINUTE_US, this_us, False, twice, share)
        return None


class _Window(NamedTuple):
    since_us: int
    until_us: int
    whole: bool
    twice: bool
    share: float

    @property
    def span(self) -> tuple[int, int]:
        return self.since_us, self.until_us


class _Pace:
    """How long a request takes, of as many as were done."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self.begins()

    def begins(self) -> None:
        self._began_ns, self.done = self._now_ns(), 0

    def looked(self) -> None:
        self.done += LOOKS_EVERY

    def a_request(self, count: int) -> float:
        return (self._now_ns() - self._began_ns) / count


class _Late(Exception):
    """Nobody waits any more."""


def _first_us(now_us: int) -> int:
    return now_us - now_us % MINUTE_US - WINDOW_MINUTES * MINUTE_US


_BY_TARGETS: Final = frozenset(
    rule.causes[SubjectKind.TARGET] for rule in rules_of(SubjectKind.TARGET)
)
_ENOUGH: Final = 2_000
"""Requests from which on a measure says something."""


def _changed_since(since_us: int, ask: Ask, projects: Collection[str]) -> bool:
    """Whether what is replayed was under other limits for a part of the time."""
    named = ((Subject.parse(text), at_us) for text, at_us in ask.changed_us.items())
    return any(
        at_us > since_us and (kind is not SubjectKind.PROJECT or name in projects)
        for (kind, name), at_us in named
    )


def _over(ask: Ask) -> Values:
    values = {subject: dict(fields) for subject, fields in ask.before.items()}
    for subject, fields in ask.after.items():
        values.setdefault(subject, {}).update(fields)
    return values

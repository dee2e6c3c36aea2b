"""From an ask to its estimate: what is read, how much of it there is time for, and two replays."""

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

from quotadeck.backtest.messages import Ask, Told
from quotadeck.backtest.outlook import MINUTE_US, estimate
from quotadeck.backtest.records import Records
from quotadeck.backtest.run import at_once, replay
from quotadeck.backtest.sharing import sharing
from quotadeck.backtest.terms import File, Terms, Values
from quotadeck.backtest.trace import read
from quotadeck.domain.subject import Subject, SubjectKind

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
            file = File(content)
            before = Terms(file, ask.before)
            after = Terms(file, _over(ask))
            window = self._window(ask, before, after)
            if window is None:
                return Told(ask.number, why="busy")
            since_us, until_us, whole, twice, share, shared = window
            start_ns = self._now_ns()
            trace = read(self._records, before, *shared, since_us, until_us, share)
        count = max(1, len(trace.requests) + len(trace.under_way))
        read_ns = self._now_ns()
        was = at_once(replay(trace, before, look)) if twice else None
        then = at_once(replay(trace, after, look))
        done_ns = self._now_ns()
        if count > _ENOUGH:
            self.read_ns = (read_ns - start_ns) / count
            self.replay_ns = (done_ns - read_ns) / count / (2 if twice else 1)
        told = estimate(trace, ask.changed, (before, was), (after, then), ask.now_us)
        same = not _changed_since(since_us, ask, shared[0])
        return Told(ask.number, replace(told, same_terms=same, all_there_is=whole))

    def _window(
        self, ask: Ask, before: Terms, after: Terms
    ) -> tuple[int, int, bool, bool, float, tuple[frozenset[str], frozenset[str]]] | None:
        """From when to when, whether that is all, twice or once, of whom; None where nothing fits.

        Whole minutes: the newest, and the present one as far as it has come; where not even one
        fits with it, the last whole one alone.
        """
        this_us = ask.now_us - ask.now_us % MINUTE_US
        first_us = this_us - WINDOW_MINUTES * MINUTE_US
        callers = self._records.callers(first_us)
        shared = sharing(ask.changed, callers, (before, after))
        all_came = self._records.came(first_us, None)
        came = all_came
        if len(shared.projects) < len({project for project, _ in callers}):
            came = self._records.came(first_us, shared.projects)
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
                return since_us, ask.now_us, since_us <= first_us, twice, share, shared
            if came.get(this_us - MINUTE_US, 0) <= room:
                return this_us - MINUTE_US, this_us, False, twice, share, shared
        return None


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

"""What was decided and how it ended lately, by one subject: what its state is judged from.

Counts by the second for a minute, and the newest ten by their instants, so that a subject that is
asked once in ten minutes is judged as well as one asked a hundred times a second.
"""

from collections import Counter, deque
from typing import Any, Final

from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.cause import NOT_THE_UPSTREAMS, Cause
from quotadeck.domain.evidence import HOUR_MS, PRESENT_MS, Decided, Ended, RefusedLately
from quotadeck.domain.subject import Subject
from quotadeck.gateway.watch.windows import Counts

_MS: Final = 1_000_000
_MINUTE_S, _PRESENT_S = 60, PRESENT_MS // 1_000
NEWEST: Final = 10
_NOBODY: Final = Subject.parse("")
_ADMITTED: Final = (Cause.NONE, _NOBODY)
_WELL, _FAILED, _INVALID = "well", "failed", "invalid"
_HOW: Final = {
    Outcome.UPSTREAM_ERROR: _FAILED,
    Outcome.UNKNOWN: _FAILED,
    Outcome.CLIENT_ERROR: _INVALID,
}

Decision = tuple[Cause, Subject]
"""A refusal's cause and the gate it came from; ``_ADMITTED`` for what was let through."""


class Tally:
    """Told of decisions and ends as they happen; `decided` and `ended` read it as values."""

    __slots__ = (
        "_budget_refused",
        "_decisions",
        "_ends",
        "_failed_cause",
        "_failed_in_row",
        "_fits_ns",
        "_last_ended_ns",
        "_last_ns",
        "_money_held",
        "_newest",
        "_newest_ends",
        "_past_budget_ns",
        "_trouble_ns",
        "_well_in_row",
        "_well_since_ns",
    )

    def __init__(self) -> None:
        self._decisions: Counts[Decision] = Counts(_PRESENT_S, _MINUTE_S)
        self._newest: deque[tuple[int, Decision]] = deque(maxlen=NEWEST)
        self._last_ns: dict[Decision, int] = {}
        self._fits_ns = 0
        self._money_held = False
        self._budget_refused = False
        self._past_budget_ns: int | None = None
        self._ends: Counts[str] = Counts(_PRESENT_S, _MINUTE_S)
        self._newest_ends: deque[tuple[int, str]] = deque(maxlen=NEWEST)
        self._last_ended_ns: dict[str, int] = {}
        self._failed_in_row = 0
        self._failed_cause = ""
        self._well_in_row = 0
        self._well_since_ns = 0
        self._trouble_ns: int | None = None

    def admitted(self, now_ns: int) -> None:
        """A request was let through."""
        self._decide(now_ns, _ADMITTED)
        if self._budget_refused:
            self._past_budget_ns = now_ns

    def refused(
        self,
        now_ns: int,
        cause: Cause,
        gate: Subject,
        wait_ms: int = 0,
        *,
        money_held: bool = False,
    ) -> None:
        """A request was refused by ``gate``; it would have fitted after ``wait_ms``."""
        self._decide(now_ns, (cause, gate))
        self._trouble_ns = now_ns
        self._fits_ns = now_ns + wait_ms * _MS
        if cause is Cause.BUDGET:
            self._money_held, self._budget_refused = money_held, True

    def _decide(self, now_ns: int, decision: Decision) -> None:
        self._decisions.add(now_ns, decision)
        self._newest.append((now_ns, decision))
        self._last_ns[decision] = now_ns

    def ended(self, now_ns: int, call: Call) -> None:
        """A request that was let through ended."""
        if call.cause in NOT_THE_UPSTREAMS:
            return
        how = _HOW.get(call.outcome, _WELL)
        failed = how is _FAILED
        self._ends.add(now_ns, how)
        self._newest_ends.append((now_ns, how))
        self._last_ended_ns[how] = now_ns
        if how is not _WELL:
            self._trouble_ns = now_ns
        if failed:
            # An hour between two failures, and they are no row.
            before = self._newest_ends[-2][0] if len(self._newest_ends) > 1 else now_ns
            row = self._failed_in_row if now_ns - before <= HOUR_MS * _MS else 0
            self._failed_in_row = row + 1
            self._failed_cause = str(call.cause)
            self._well_in_row = 0
            return
        if not self._well_in_row:
            self._well_since_ns = now_ns
        self._well_in_row += 1
        self._failed_in_row = 0

    def forget(self, gate: Subject = _NOBODY, cause: Cause | None = None) -> None:
        """A gate was changed: what it refused, or what was refused for ``cause``, is history."""
        if self._trouble_ns is None:
            return  # nothing was ever refused: so it is with most, and every gate asks them all
        gone = {
            one
            for one in self._last_ns
            if one != _ADMITTED and gate in (_NOBODY, one[1]) and cause in (None, one[0])
        }
        for decision in gone:
            del self._last_ns[decision]
            self._decisions.forget(decision)
            if decision[0] is Cause.BUDGET:
                self._budget_refused, self._past_budget_ns = False, None
        kept = [one for one in self._newest if one[1] not in gone]
        self._newest.clear()
        self._newest.extend(kept)

    def forget_failures(self) -> None:
        """It has recovered: what failed is history."""
        self._ends.forget(_FAILED)
        self._last_ended_ns.pop(_FAILED, None)
        self._failed_in_row = 0

    def calm(self, now_ns: int) -> bool:
        """Whether nothing was refused, failed or invalid in the hour that anybody looks back."""
        return self._trouble_ns is None or now_ns - self._trouble_ns > HOUR_MS * _MS

    def forgettable(self, now_ns: int) -> bool:
        """Whether nothing at all was decided or ended in the hour that anybody looks back."""
        newest = _within_the_hour(self._newest, now_ns)
        return self.calm(now_ns) and not newest and not _within_the_hour(self._newest_ends, now_ns)

    def decided(self, now_ns: int) -> Decided:
        """The decisions of the present and the minute."""
        present, minute = self._decisions.at(now_ns)
        newest = _within_the_hour(self._newest, now_ns)
        if sum(present.values()) < len(newest):
            present = Counter(decision for _, decision in newest)
        row = self._row()
        seen = {**present, **minute}.keys() - {_ADMITTED}
        return Decided(
            admitted=present.get(_ADMITTED, 0),
            admitted_60s=minute.get(_ADMITTED, 0),
            last_admitted_ms=_ms(self._last_ns.get(_ADMITTED)),
            refused=tuple(
                RefusedLately(
                    *one, present.get(one, 0), minute.get(one, 0), self._last_ns[one] // _MS
                )
                for one in sorted(seen)
            ),
            in_row=tuple(decision[0] for _, decision in row),
            apart_ms=(row[-1][0] - row[0][0]) // (len(row) - 1) // _MS if len(row) > 1 else 0,
            fits_ms=self._fits_ns // _MS,
            money_held=self._money_held,
            past_budget_ms=_ms(self._past_budget_ns),
        )

    def passed(self, now_ns: int) -> tuple[int, int]:
        """How many were let through in the last 10 s, and in the last minute."""
        present, minute = self._decisions.at(now_ns)
        return present.get(_ADMITTED, 0), minute.get(_ADMITTED, 0)

    def admitted_lately(self, now_ns: int) -> Decided:
        """`decided` of one that is calm, which is to say what was let through."""
        present = self._decisions.at(now_ns)[0].get(_ADMITTED, 0)
        return Decided(max(present, len(_within_the_hour(self._newest, now_ns))))

    def ended_lately(self, now_ns: int) -> Ended:
        """The ends of the present and the minute."""
        ten, minute = self._ends.at(now_ns)
        newest = _within_the_hour(self._newest_ends, now_ns)
        present = Counter(how for _, how in newest) if sum(ten.values()) < len(newest) else ten
        last = self._last_ended_ns
        well_ns = max(last.get(_WELL, 0), last.get(_INVALID, 0)) if self._well_in_row else None
        return Ended(
            ended_60s=sum(minute.values()),
            failed_60s=minute.get(_FAILED, 0),
            present=sum(present.values()),
            failed=present.get(_FAILED, 0),
            invalid=present.get(_INVALID, 0),
            failed_in_row=self._failed_in_row,
            well_in_row=self._well_in_row,
            well_since_ms=_ms(self._well_since_ns) if self._well_in_row else None,
            last_well_ms=_ms(well_ns),
            last_failed_ms=_ms(last.get(_FAILED)),
            last_invalid_ms=_ms(last.get(_INVALID)),
            cause=self._failed_cause,
        )

    def _row(self) -> list[tuple[int, Decision]]:
        """The newest decisions back to the last that let something through."""
        row: list[tuple[int, Decision]] = []
        for one in reversed(self._newest):
            if one[1] == _ADMITTED:
                break
            row.insert(0, one)
        return row


def _within_the_hour(newest: deque[tuple[int, Any]], now_ns: int) -> deque[tuple[int, Any]]:
    while newest and now_ns - newest[0][0] > HOUR_MS * _MS:
        newest.popleft()
    return newest


def _ms(at_ns: int | None) -> int | None:
    return None if at_ns is None else at_ns // _MS

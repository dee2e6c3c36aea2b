# ruff: noqa: S608 - the SQL is put together from our own names alone
"""What passed in the minutes around a change: of its own subjects, and of all others."""

from collections.abc import Sequence
from typing import Final

import orjson

from quotadeck.domain.effect import MINUTE_US, Effect, Side
from quotadeck.domain.rules import bucket_key, rules_of
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.store.reading.around import COLUMN, ENDED, FAILED, Around

_LATE_US: Final = 5_000_000
"""So much later than its end a call may be written: counted refusals wait for their second."""
_OWN: Final = " OR ".join(
    f"{column} IN (SELECT value FROM json_each(?{place}))"
    for place, column in enumerate(("project", "model", "target", "binding"), 2)
)
_REFUSED: Final = "outcome = 'refused'"


class Effects(Around):
    async def effect(self, at_us: int, subjects: Sequence[Subject]) -> Effect:
        """The minute before the instant and the one after it, by the instants of calls' ends."""
        first = await self.place(at_us - MINUTE_US - _LATE_US)
        behind = await self.place(at_us + MINUTE_US + _LATE_US)
        rows = await self._rows(
            f"SELECT {ENDED} > ?1, ({_OWN}), {_REFUSED}, "
            f"CASE WHEN {_REFUSED} THEN 0 ELSE {COLUMN} END AS at, "
            f"SUM(count), SUM(CASE WHEN {FAILED} THEN count ELSE 0 END), SUM(cost_nano_usd) "
            "FROM calls NOT INDEXED WHERE seq >= ?6 AND seq < ?7 AND source_id = ?8 "
            f"AND {ENDED} > ?1 - {MINUTE_US} AND {ENDED} <= ?1 + {MINUTE_US} "
            "GROUP BY 1, 2, 3, 4",
            (
                at_us,
                *(_names(subjects, kind) for kind in _KINDS),
                orjson.dumps(_buckets(subjects)).decode(),
                first.seq,
                behind.seq,
                self.source,
            ),
        )
        sides = Side(), Side()
        for after, own, refused, at, count, failed, cost in rows:
            side = sides[after]
            if not own:
                side.others_refused += count if refused else 0
            elif refused:
                side.refused += count
            else:
                side.ended += count
                side.failed += failed
                side.cost_nano += cost
                side.latency[at] += count
        return Effect(*sides)


_KINDS: Final = (SubjectKind.PROJECT, SubjectKind.MODEL, SubjectKind.TARGET)


def _names(subjects: Sequence[Subject], kind: SubjectKind) -> str:
    return orjson.dumps([subject.name for subject in subjects if subject.kind is kind]).decode()


def _buckets(subjects: Sequence[Subject]) -> list[str]:
    """A target's limits refuse what never reached it."""
    targets = [subject for subject in subjects if subject.kind is SubjectKind.TARGET]
    return [bucket_key(one, rule.kind) for one in targets for rule in rules_of(one.kind)]

"""What a ledger has of a span of time, as a `Report`."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple, TypeVar

from quotadeck.domain.answers import AuditRow
from quotadeck.domain.commands import Action, Entry, Value
from quotadeck.domain.history import StateSpan
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.report import ALARMS, CAUSES, MOST, Alarm, AlarmsPage, Down, Passage, Report
from quotadeck.domain.state import Urgency
from quotadeck.domain.subject import Subject
from quotadeck.store.reader import Reader
from quotadeck.store.sqlite.retention import Keep
from quotadeck.store.sqlite.tables import HOUR, MINUTE, Per

T = TypeVar("T")

_LOG_PAGE: Final = 200
_MANY: Final = 500
_LONGEST_US: Final = 3_600_000_000
"""No call takes longer."""
_STATES: Final = 3 * MOST
"""More are read than are told: not all of them are alarms."""

InForce = Callable[[Entry], bool]


class _Period(NamedTuple):
    per: Per
    since_us: int
    until_us: int


async def alarms_between(reader: Reader, since_us: int, until_us: int) -> AlarmsPage:
    """The alarms that held between two instants, the oldest first. Raises StoreError."""
    spans = await reader.states_between(since_us, until_us, _STATES + 1)
    alarms = await _beside(partial(_alarms, spans[:_STATES]), len(spans))
    return AlarmsPage(tuple(alarms[:MOST]), len(spans) > _STATES or len(alarms) > MOST)


async def _beside(step: Callable[[], T], size: int) -> T:
    """What is done with so many rows, beside the event loop where they are many."""
    return await asyncio.to_thread(step) if size > _MANY else step()


def _alarms(spans: Sequence[StateSpan]) -> list[Alarm]:
    return [_alarm(span) for span in spans if _is_alarm(span)]


async def report_of(
    reader: Reader, since_us: int, until_us: int, now_us: int, in_force: InForce, name: str = ""
) -> Report:
    """All of a span that ends by now. ``in_force`` tells of an entry. Raises StoreError."""
    periods = _periods(since_us, until_us, now_us - Keep().minutes_us)
    sums = _Sums()
    for period in periods:
        passages = await reader.passages(*period)
        refusals = await reader.refusals_between(*period)
        await _beside(partial(sums.add, passages, refusals), len(passages) + len(refusals))
    if periods:
        whole_us = periods[0].since_us, periods[-1].until_us
        sums.add_unpriced(await _unpriced(reader, *whole_us))
    alarms = await alarms_between(reader, since_us, until_us)
    first = await reader.place(since_us - 1, "events", "at_us")
    behind = await reader.place(until_us - 1, "events", "at_us")
    events = await reader.events_between(first.seq, behind.seq, MOST)
    commands, more = await _commands(reader, since_us, until_us)
    left_out = alarms.more + max(0, behind.seq - first.seq - len(events)) + more
    downs = [
        Down(alive_us, at_us)
        for _, at_us, alive_us in await reader.starts(0)
        if alive_us is not None and alive_us < until_us and at_us > since_us
    ]
    return Report(
        name=name,
        since_us=since_us,
        until_us=until_us,
        made_us=now_us,
        sums_since_us=periods[0].since_us if periods else since_us,
        sums_until_us=periods[-1].until_us if periods else since_us,
        projects=await _beside(sums.projects, sums.size),
        models=sums.models(),
        alarms=alarms.rows,
        commands=tuple(AuditRow(_shown(entry), in_force(entry)) for entry in commands),
        events=tuple(events),
        down=tuple(downs),
        left_out=left_out,
    )


async def _unpriced(reader: Reader, since_us: int, until_us: int) -> Sequence[tuple[str, str, int]]:
    """Those that began in the span: they stand in the order in which they ended."""
    first = await reader.place(since_us - 1)
    behind = await reader.place(until_us + _LONGEST_US)
    return await reader.unpriced_calls(first.seq, behind.seq, since_us, until_us)


def _periods(since_us: int, until_us: int, minutes_from_us: int) -> Sequence[_Period]:
    """Whole minutes at the edges and hours between; hours alone where the minutes are gone."""
    per = MINUTE if since_us >= minutes_from_us else HOUR
    first_us = since_us // per.length_us * per.length_us
    last_us = -(-until_us // per.length_us) * per.length_us
    if per is HOUR:
        return [_Period(HOUR, first_us, last_us)]
    hour_us = -(-first_us // HOUR.length_us) * HOUR.length_us
    end_us = max(hour_us, last_us // HOUR.length_us * HOUR.length_us)
    periods = (
        _Period(MINUTE, first_us, min(hour_us, last_us)),
        _Period(HOUR, hour_us, end_us),
        _Period(MINUTE, end_us, last_us),
    )
    return [one for one in periods if one.since_us < one.until_us]


async def _commands(reader: Reader, since_us: int, until_us: int) -> tuple[list[Entry], int]:
    """Those of the span, oldest first, and how many more there are (at least)."""
    found: list[Entry] = []
    before = 1 << 62
    while page := await reader.commands_before(before, _LOG_PAGE):
        before = page[-1].seq
        found += (one for one in page if since_us <= one.at_us < until_us)
        if len(found) > MOST or all(one.at_us < since_us for one in page):
            break
    more = max(0, len(found) - MOST)
    told = [one for one in found[:MOST] if not (one.action == Action.END and one.idle)]
    return told[::-1], more


def _shown(entry: Entry) -> Entry:
    """Without the hash of a key."""
    return replace(
        entry,
        value=_without_hash(entry.value),
        before=_without_hash(entry.before),
        after=_without_hash(entry.after),
        then=_without_hash(entry.then),
    )


def _without_hash(value: Value | None) -> Value | None:
    return replace(value, sha256="") if isinstance(value, ProjectKey) else value


def _is_alarm(span: StateSpan) -> bool:
    urgencies = {span.facts.get("urgency"), span.left_facts.get("urgency")}
    return span.kind in ALARMS and Urgency.TROUBLE in urgencies


def _alarm(span: StateSpan) -> Alarm:
    facts = span.left_facts or span.facts
    return Alarm(
        Subject.parse(span.subject),
        span.kind,
        span.cause,
        str(span.facts.get("who", "")),
        span.entered_us,
        span.left_us,
        int(facts.get("count", 0)),
        int(facts.get("asked", 0)),
    )


class _Sums:
    """By project and by model."""

    def __init__(self) -> None:
        self._asked: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._failed: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._cost: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._unpriced: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._refused: tuple[dict[str, Counter[str]], dict[str, Counter[str]]] = ({}, {})

    def add(
        self,
        passages: Iterable[tuple[str, str, int, int, int]],
        refusals: Iterable[tuple[str, str, str, int]],
    ) -> None:
        """What passed and what was refused in a period: of ten thousand projects, maybe."""
        self._add_passages(passages)
        self._add_refusals(refusals)

    def _add_passages(self, rows: Iterable[tuple[str, str, int, int, int]]) -> None:
        for project, model, forwarded, failed, cost_nano in rows:
            for at, name in enumerate((project, model)):
                self._asked[at][name] += forwarded
                self._failed[at][name] += failed
                self._cost[at][name] += cost_nano

    def _add_refusals(self, rows: Iterable[tuple[str, str, str, int]]) -> None:
        for project, model, cause, count in rows:
            for at, name in enumerate((project, model)):
                self._asked[at][name] += count
                self._refused[at].setdefault(name, Counter())[cause] += count

    def add_unpriced(self, rows: Iterable[tuple[str, str, int]]) -> None:
        for project, model, count in rows:
            for at, name in enumerate((project, model)):
                self._unpriced[at][name] += count

    @property
    def size(self) -> int:
        return len(self._asked[0])

    def projects(self) -> tuple[Passage, ...]:
        return self._passages(0)

    def models(self) -> tuple[Passage, ...]:
        return self._passages(1)

    def _passages(self, at: int) -> tuple[Passage, ...]:
        told = [self._passage(at, name) for name in self._asked[at]]
        return tuple(
            sorted(told, key=lambda one: (-one.refused, -one.failed, -one.asked, one.name))
        )

    def _passage(self, at: int, name: str) -> Passage:
        refused = self._refused[at].get(name, Counter())
        top = dict(refused.most_common(CAUSES))
        rest = refused.total() - sum(top.values())
        return Passage(
            name,
            self._asked[at][name],
            refused.total(),
            self._failed[at][name],
            self._cost[at][name],
            top | ({"": rest} if rest else {}),
            self._unpriced[at][name],
        )

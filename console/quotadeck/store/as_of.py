"""A past instant out of a ledger: `AsOf.then` has what `quotadeck.domain.as_of` makes a picture of.

Within 48 h everything is on record: calls, levels every 10 s, sums of minutes. Up to 7 days back
there are calls but no levels, up to 90 days sums of hours alone. Where a minute has too many calls
to be read in a moment, its sums stand for them.

What was is immutable, so what one step has read the next one keeps: the file's values, the command
log, the starts, a day's spend up to a whole hour.
"""

import asyncio
from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

import orjson

from quotadeck.domain.as_of import Then
from quotadeck.domain.calls import OpenCall, Outcome
from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.commands import Entry
from quotadeck.domain.days import day_at
from quotadeck.domain.history import StateSpan
from quotadeck.domain.layers import Layers
from quotadeck.domain.passed import MINUTE_US, MODELS_US, SPENT_US, Around, Passed
from quotadeck.domain.past_state import CLEARED_US
from quotadeck.domain.rules import Windows
from quotadeck.domain.snapshot import Gap, Past, Per
from quotadeck.store.file_layer import catalogue_of
from quotadeck.store.period import around_hour, around_minutes
from quotadeck.store.reader import Reader
from quotadeck.store.sqlite.retention import Keep
from quotadeck.store.sqlite.tables import HOUR, MINUTE

EVENTS: Final = 20
MOST_CALLS: Final = 40_000
"""So many are summed one by one, around an instant: a tenth of a second."""
AHEAD_CALLS: Final = 20_000
"""So many behind it are looked at for those that were under way."""
_AHEAD_US: Final = 10 * MINUTE_US
_SLACK_US: Final = 3_000_000
"""Calls lie in the order in which they were folded: by so much it is not that of their ends."""
_FOLDED: Final = 250
_ENTRIES: Final = 100
_KEEP: Final = Keep()
_NO_SUMS: Final = frozenset({Gap.FLOW, Gap.LATENCY, Gap.UNDER_WAY, Gap.TARGETS, Gap.SPENT})

T = TypeVar("T")


class AsOf:
    """Steps through a ledger's past. One step at a time."""

    def __init__(self, reader: Reader, like: Catalogue | None = None) -> None:
        """What is in ``like``, too, comes in its order: what is on record has lost the file's."""
        self._reader = reader
        self._like = like or Catalogue({}, {}, {}, {})
        self._one_at_a_time = asyncio.Lock()
        self._file: tuple[int, Catalogue, Mapping[str, Any]] | None = None
        self._entries: list[Entry] = []
        self._starts: list[tuple[int, int, int | None]] = []
        self._hours: dict[tuple[int, int], dict[str, int]] = {}

    async def then(self, at_us: int, now_us: int, under_way: Iterable[OpenCall] = ()) -> Then:
        """What is on record of an instant that is not later than now. Raises StoreError.

        ``under_way`` are the calls that have not ended yet: none of them is in a ledger.
        """
        open_then = [one for one in under_way if one.at_us <= at_us]
        async with self._one_at_a_time:
            then = await self._then(at_us, now_us)
        passed = [*then.around.passed, *(_open(one, at_us) for one in open_then)]
        return replace(then, around=replace(then.around, passed=passed))

    async def _then(self, at_us: int, now_us: int) -> Then:
        reader = self._reader
        file = await self._file_at(at_us)
        if file is None:
            return _before(at_us, reader.source_id)
        catalogue, more = file
        started_us, past_ends = await self._serving(at_us)
        gaps: set[str] = {Gap.VITALS}
        if past_ends:
            return Then(
                at_us,
                reader.source_id,
                _name(more),
                Past(Per.NOTHING, tuple(Gap), *past_ends),
                catalogue,
                Windows(),
                await self._layers(at_us),
                events=await reader.events_before(at_us, EVENTS),
            )
        per, around, found = await self._around(at_us, now_us)
        gaps |= found
        spent = await self._spent(at_us, now_us, per, catalogue)
        levels: list[tuple[str, int, int]] = []
        if at_us >= now_us - _KEEP.levels_us:
            levels = await reader.levels_before(at_us)
        else:
            gaps.add(Gap.LEVELS)
        states: list[StateSpan] = []
        if at_us >= now_us - _KEEP.states_us:
            states = await reader.states_around(at_us, at_us - CLEARED_US)
        else:
            gaps.add(Gap.STATES)
        return Then(
            at_us=at_us,
            source_id=reader.source_id,
            name=_name(more),
            past=Past(per, tuple(gap for gap in Gap if gap in gaps)),
            catalogue=catalogue,
            windows=_windows(more),
            layers=await self._layers(at_us),
            around=around,
            levels=levels,
            states=states,
            spent_nano=spent,
            events=await reader.events_before(at_us, EVENTS),
            started_us=started_us,
            since_us=reader.epoch * 1_000,
        )

    async def _file_at(self, at_us: int) -> tuple[Catalogue, Mapping[str, Any]] | None:
        found = await self._reader.file_layer_at(at_us)
        if found is None:
            return None
        seq, _ = found
        if self._file is None or self._file[0] != seq:
            parts = await self._reader.file_layer_parts(seq)
            read = ((kind, name, orjson.loads(value)) for kind, name, value in parts)
            catalogue, more = await _in_turns(catalogue_of(read))
            self._file = (seq, _ordered(catalogue, self._like), more)
        return self._file[1:]

    async def _layers(self, at_us: int) -> Layers:
        """The command log up to the instant."""
        after = self._entries[-1].seq if self._entries else 0
        while found := await self._reader.entries(after=after, limit=_ENTRIES):
            self._entries += found
            after = found[-1].seq
        then = [entry for entry in self._entries if entry.applied and entry.at_us <= at_us]
        layers = Layers({})
        for start in range(0, len(then), _FOLDED):
            layers = layers.with_entries(then[start : start + _FOLDED])
            await asyncio.sleep(0)
        return layers

    async def _serving(self, at_us: int) -> tuple[int, tuple[int, int] | None]:
        """When the gateway of then had started; and from when to when it was down, if it was."""
        self._starts += await self._reader.starts(self._starts[-1][0] if self._starts else 0)
        started_us = 0
        for _, start_us, alive_us in self._starts:
            if start_us > at_us:
                down = alive_us is not None and alive_us < at_us
                return started_us, (alive_us, start_us) if down and alive_us else None
            started_us = start_us
        return started_us, None

    async def _around(self, at_us: int, now_us: int) -> tuple[Per, Around, frozenset[str]]:
        reader = self._reader
        since_us = at_us - SPENT_US - _SLACK_US
        first = await reader.place(since_us)
        here = await reader.place(at_us)
        ahead = await reader.place(at_us + _AHEAD_US)
        oldest_us = await reader.ended_us(first.oldest) if first.oldest > 1 else None
        gone = oldest_us is not None and oldest_us > since_us
        many = here.seq - first.seq > MOST_CALLS
        if many or gone:
            for per, kept_us in ((MINUTE, _KEEP.minutes_us), (HOUR, _KEEP.hours_us)):
                if at_us - SPENT_US - MINUTE_US < now_us - kept_us:
                    continue
                around = await self._summed(Per(per.name), at_us)
                return Per(per.name), around, frozenset({Gap.UNDER_WAY, Gap.TARGETS})
            if gone:
                return Per.NOTHING, Around(), _NO_SUMS
        behind = min(ahead.seq, here.seq + AHEAD_CALLS)
        gaps = {Gap.UNDER_WAY} if behind < ahead.seq else ()
        minute = (await reader.place(at_us - MINUTE_US - _SLACK_US)).seq
        five = (await reader.place(at_us - MODELS_US - _SLACK_US)).seq
        soon = (await reader.place(at_us + _SLACK_US)).seq
        booked_us = _floor(at_us, MINUTE.length_us)
        around = Around(
            await reader.passed(at_us, minute, behind, booked_since_us=booked_us),
            await reader.lately(at_us, first.seq, soon),
            await reader.last_refused(at_us, first.seq, soon),
            await reader.took(at_us, five, soon),
        )
        return Per.CALL, around, frozenset(gaps)

    async def _summed(self, per: Per, at_us: int) -> Around:
        """From sums of the whole minute before, or of the hour that the instant lies in."""
        if per is Per.MINUTE:
            period_us = _floor(at_us, MINUTE.length_us) - MINUTE.length_us
            rows = await self._reader.totals_of(
                MINUTE, period_us - 9 * MINUTE.length_us, period_us + 1
            )
            refused = await self._reader.refusals_of(MINUTE, period_us)
            return around_minutes(rows, refused, period_us)
        period_us = _floor(at_us, HOUR.length_us)
        rows = await self._reader.totals_of(HOUR, period_us, period_us + 1)
        return around_hour(rows, await self._reader.refusals_of(HOUR, period_us))

    async def _spent(
        self, at_us: int, now_us: int, per: Per, catalogue: Catalogue
    ) -> Mapping[str, int]:
        """Of each project's day, what began before the minute that the instant lies in."""
        minute_us, hour_us = _floor(at_us, MINUTE.length_us), _floor(at_us, HOUR.length_us)
        if per is Per.NOTHING:
            return {}
        zones = {project.zone for project in catalogue.projects.values()}
        starts = {zone: day_at(at_us, zone).start_us for zone in zones}
        spent: dict[int, dict[str, int]] = {}
        for start_us in set(starts.values()):
            spent[start_us] = dict(await self._of_hours(start_us, hour_us, now_us))
            if per is not Per.HOUR:
                late = await self._late(max(start_us, hour_us), minute_us, now_us)
                for name, nano in late.items():
                    spent[start_us][name] = spent[start_us].get(name, 0) + nano
        if len(spent) == 1:
            return spent.popitem()[1]
        return {
            project.id: nano
            for project in catalogue.projects.values()
            if (nano := spent[starts[project.zone]].get(project.id, 0))
        }

    async def _late(self, since_us: int, until_us: int, now_us: int) -> Mapping[str, int]:
        """What began within the hour; from the calls where its minutes are gone."""
        if since_us - HOUR.length_us >= now_us - _KEEP.minutes_us:
            return await self._reader.spent_between(MINUTE, since_us, until_us)
        first = await self._reader.place(since_us - _SLACK_US)
        behind = await self._reader.place(until_us + _AHEAD_US)
        return await self._reader.spent_of_calls(first.seq, behind.seq, since_us, until_us)

    async def _of_hours(self, start_us: int, hour_us: int, now_us: int) -> dict[str, int]:
        known = self._hours.get((start_us, hour_us))
        if known is not None:
            return known
        first_us = -(-start_us // HOUR.length_us) * HOUR.length_us
        hours = await self._reader.spent_between(HOUR, first_us, hour_us)
        # A day that begins at half an hour begins with minutes.
        for project, nano in (
            await self._reader.spent_between(MINUTE, start_us, min(first_us, hour_us))
        ).items():
            hours[project] = hours.get(project, 0) + nano
        if now_us - hour_us > HOUR.length_us:
            while len(self._hours) >= 8:
                del self._hours[next(iter(self._hours))]
            self._hours[start_us, hour_us] = hours
        return hours


def _ordered(catalogue: Catalogue, like: Catalogue) -> Catalogue:
    """The same, each table in the order of the other's."""

    def ordered(table: Mapping[str, T], of: Mapping[str, T]) -> Mapping[str, T]:
        names = [
            *(name for name in of if name in table),
            *(name for name in table if name not in of),
        ]
        return {name: table[name] for name in names}

    return Catalogue(
        ordered(catalogue.projects, like.projects),
        ordered(catalogue.upstreams, like.upstreams),
        ordered(catalogue.targets, like.targets),
        ordered(catalogue.routes, like.routes),
    )


def _open(call: OpenCall, at_us: int) -> Passed:
    begun = int(call.at_us > at_us - MINUTE_US)
    return Passed(
        call.project,
        call.target,
        call.model,
        Outcome.OK,
        "",
        "",
        begun=begun,
        ended=0,
        input_tokens=0,
        output_tokens=0,
        cost_nano=0,
        under_way=1,
        held_nano=call.held_nano_usd,
    )


def _before(at_us: int, source_id: str) -> Then:
    nothing = Catalogue({}, {}, {}, {})
    past = Past(Per.NOTHING, tuple(gap for gap in Gap if gap is not Gap.DOWN))
    return Then(at_us, source_id, "", past, nothing, Windows(), Layers({}))


def _name(more: Mapping[str, Any]) -> str:
    return str(more.get("name", ""))


def _windows(more: Mapping[str, Any]) -> Windows:
    known = Windows()
    return Windows(
        int(more.get("request_window_s", known.request_s)),
        int(more.get("token_window_s", known.token_s)),
    )


def _floor(at_us: int, length_us: int) -> int:
    return at_us // length_us * length_us


async def _in_turns(work: Generator[None, None, T]) -> T:
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result
        await asyncio.sleep(0)

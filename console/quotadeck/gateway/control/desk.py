"""Where commands are decided, recorded and put in force, one after the other.

What loosens is in the log, synced, before it takes effect. What tightens takes effect even where
the log cannot be written; the ledger then keeps it and records it as soon as it can.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Final

from quotadeck.domain.answers import CommandAnswer
from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.clock import Clock
from quotadeck.domain.commands import PASSING, Action, Actor, Command, Entry, Rejected
from quotadeck.domain.decide import each_decided, forbidden, gathered
from quotadeck.domain.deeds import change_notice, ends_notice
from quotadeck.domain.effects import slot_of, tightens
from quotadeck.domain.ends import Ends, end_of
from quotadeck.domain.ids import new_id
from quotadeck.domain.layers import Layers, Slot
from quotadeck.domain.needed import MINUTES, needed
from quotadeck.domain.notice import notice
from quotadeck.domain.snapshot import Event, Flow
from quotadeck.domain.state import AT_REST, State
from quotadeck.domain.subject import Subject
from quotadeck.domain.verbs import VERBS
from quotadeck.domain.verbs.case import Facts, rejected
from quotadeck.gateway.control.answers import (
    answer_of,
    digest,
    refused_entry,
    rejection,
    same_request,
)
from quotadeck.gateway.control.command_log import CommandLog
from quotadeck.gateway.control.large import (
    LARGE,
    UNWATCHED,
    Watching,
    above,
    beside,
    changes,
    is_large,
)
from quotadeck.gateway.control.preview import estimated
from quotadeck.gateway.control.refused_commands import RefusedCommands
from quotadeck.gateway.control.replayer import Replayer
from quotadeck.gateway.plan import file_layer
from quotadeck.store import Ledger, StoreError

OnChange = Callable[[Layers, tuple[Slot, ...]], Awaitable[None]]
Tell = Callable[[Event], None]

LOOK_S: Final = 1.0
"""How soon a jump of the wall clock is noticed."""
_LEVELS_EVERY_US: Final = 60_000_000
"""The last `levels` record tells to within this when the gateway before us was still there."""

_APPLIED_AT_ONCE: Final = 200
_READ_AT_ONCE: Final = 50
"""Projects whose last hour is looked at between two turns of the loop."""

LOG: Final = logging.getLogger(__name__)


class Desk:
    """Decides commands on the fold of the log. One task runs `run` for the gateway's life."""

    def __init__(
        self,
        ledger: Ledger,
        catalogue: Catalogue,
        clock: Clock,
        on_change: OnChange,
        tell: Tell,
        replayer: Replayer,
        state_of: Callable[[Subject], State] = lambda _: AT_REST,
        effects: Watching = UNWATCHED,
        flow_of: Callable[[Subject], Flow] = lambda _: Flow(),
        lease_of: Callable[[str], str] = lambda _: "",
    ) -> None:
        """``effects`` are told each change in force from now on, or shortly before the start."""
        self._effects = effects
        self._state_of, self._flow_of, self._lease_of = state_of, flow_of, lease_of
        self._ledger = ledger
        self._catalogue = catalogue
        self._clock = clock
        self._on_change = on_change
        self._tell = tell
        self._replayer = replayer
        self._unrecorded = set[str]()
        self._queue = asyncio.Lock()
        self._one_at_a_time = asyncio.Lock()
        self._forbidden = asyncio.Lock()
        self._large = asyncio.Lock()
        self._armed = asyncio.Event()
        self.log = CommandLog(ledger)
        self.refused = RefusedCommands(clock)
        self._ends = Ends(clock, ledger.steady)
        layers = Layers(file_layer(catalogue)).with_entries(ledger.recovered.entries)
        self.layers, _ = self._ends.followed(layers)
        self._changed = set[Slot]()
        self._ends.arm(self.layers)

    @property
    def catalogue(self) -> Catalogue:
        return self._catalogue

    def living(self, entry: Entry, now_us: int) -> bool:
        """Whether an entry is in force: applied, neither ended, undone nor expired."""
        lasts = entry.action != Action.END and entry.field not in PASSING
        if not (entry.applied and lasts) or self.layers.ended(entry.seq):
            return False
        # The log has the end as the wall clock showed it then; the fold as it shows it now.
        until_us = self.layers.by_seq.get(entry.seq, entry).until_us
        return until_us is None or until_us > now_us

    async def submit(self, request: Command, actor: Actor, *, dry_run: bool) -> CommandAnswer:
        """Decide a command and put it in force, or with ``dry_run`` tell what that would do.

        A repeated idempotency key gets its first answer again. A refusal is an answer.
        """
        if dry_run:
            return await self._preview(request, actor)
        async with AsyncExitStack() as turn:
            if refused := forbidden(actor, request):
                # In a line of their own: they keep nobody waiting who may do something.
                await turn.enter_async_context(self._forbidden)
                if known := await self.log.by_key(request.idempotency_key):
                    return self._again(known, request, actor)
                return await self._refuse(request, actor, refused, self._clock.wall_us())
            if not VERBS[request.action].urgent:
                await turn.enter_async_context(self._queue)
            await turn.enter_async_context(self._one_at_a_time)
            if known := await self.log.by_key(request.idempotency_key):
                return self._again(known, request, actor)
            self._follow()
            now_us = self._clock.wall_us()
            decided = await self._decided(request, actor, self.layers, now_us)
            if isinstance(decided, Rejected):
                return await self._refuse(request, actor, decided, now_us)
            large = len(decided) > LARGE
            name = partial(self._named, decided, request, now_us)
            entries = await beside(name, large=large)
            try:
                if await self._tightens(entries):
                    return await self._tighten(entries)
                return await self._loosen(entries)
            except ValueError:
                refused = rejected("invalid", "too_large", count=len(entries))
                return await self._refuse(request, actor, refused, now_us)

    async def _decided(
        self, request: Command, actor: Actor, layers: Layers, now_us: int
    ) -> tuple[Entry, ...] | Rejected:
        facts = Facts(
            {one: self._state_of(one) for one in request.each if VERBS[request.action].of_state},
            await self._needed(request, now_us) if request.needed else {},
            {one: self._lease_of(one.name) for one in request.each if one.kind == "lease"},
        )

        def decided() -> tuple[Entry, ...] | Rejected:
            parts = each_decided(request, actor, self._catalogue, layers, now_us, facts)
            return gathered(parts)

        return await beside(decided, large=is_large(request))

    async def _needed(self, request: Command, now_us: int) -> dict[Subject, int | None]:
        """What the last hour needed of a limit; nothing where the store cannot be read."""
        known, found = self._catalogue.projects, dict[Subject, int | None]()
        asked = [one for one in request.each if one.name in known]
        for start in range(0, len(asked), _READ_AT_ONCE):
            try:
                page = await self._ledger.pages.series(
                    asked[start : start + _READ_AT_ONCE],
                    minutes=MINUTES,
                    until_us=None,
                    now_us=now_us,
                )
            except StoreError:
                return {}
            for row in page.rows:
                flow = self._flow_of(row.subject)
                found[row.subject] = needed(str(request.field), row, flow)
        return found

    def _named(self, decided: Sequence[Entry], request: Command, now_us: int) -> tuple[Entry, ...]:
        """The entries with their ids; those of one change share the first's as their group."""
        steady_us, asked = self._ledger.steady.now_us(), digest(request)
        ids = [new_id("cmd", now_us, os.urandom(10)) for _ in decided]
        group = ids[0] if decided[1:] else ""
        return tuple(
            replace(entry, id=one, steady_us=steady_us, group=group, asked=asked)
            for entry, one in zip(decided, ids, strict=True)
        )

    async def _tightens(self, entries: Sequence[Entry]) -> bool:
        layers = self.layers

        def tighten() -> bool:
            return all(tightens(entry, layers) for entry in entries)

        return await beside(tighten, large=len(entries) > LARGE)

    async def run(self, look_s: float = LOOK_S) -> None:
        """Wait for the next override's end, look, and so on; never returns."""
        self._tell_again()
        while True:
            self._armed.clear()
            await self.tick()
            left_s = self._ends.left_us() / 1_000_000
            with suppress(TimeoutError):
                async with asyncio.timeout(min(look_s, max(0.001, left_s))):
                    await self._armed.wait()

    async def tick(self) -> None:
        """Follow the wall clock; record the ends that are reached, have the values re-read, tell.

        An end takes effect whether or not it can be recorded: an hour's pause is over in an hour.
        """
        self._follow()
        ended: list[Entry] = []
        if self._ends.left_us() <= 0:
            async with self._one_at_a_time:
                reached = self._ends.reached(self.layers)
                for start in range(0, len(reached), _APPLIED_AT_ONCE):
                    ended += await self._end(reached[start : start + _APPLIED_AT_ONCE])
                await self._fold(ended)
                self._ends.arm(self.layers)
        if self._changed:
            slots, self._changed = tuple(self._changed), set()
            await self._read_again(slots)
        for change in changes(ended, lambda end: self.layers.by_seq[end.ends[0]].group):
            self._tell_of(change)
            self._effects.changed(change)

    async def _end(self, overrides: Sequence[Entry]) -> list[Entry]:
        steady_us = self._ledger.steady.now_us()
        found = [end_of(override, self.layers) for override in overrides]
        named = [
            replace(one, id=new_id("cmd", one.at_us, os.urandom(10)), steady_us=steady_us)
            for one in found
        ]
        ended = await self._write_down(named)
        for entry in ended:
            self.log.add(entry)
            self._changed.add(slot_of(entry))
        return ended

    async def _read_again(self, slots: Sequence[Slot]) -> None:
        for start in range(0, len(slots), _APPLIED_AT_ONCE):
            await self._on_change(self.layers, tuple(slots[start : start + _APPLIED_AT_ONCE]))

    def _follow(self) -> None:
        """Have the ends of durations as the wall clock will show them, wherever it stands now."""
        self.layers, moved = self._ends.followed(self.layers)
        self._changed.update(moved)

    def _tell_again(self) -> None:
        """Events wait in memory for SQLite; the last ones may be lost with the process."""
        recovered = self._ledger.recovered
        last_us = recovered.mark.steady_us if recovered.mark else recovered.levels_at_us or 0
        since_us = last_us - _LEVELS_EVERY_US
        late = [one for one in recovered.entries if one.applied and one.steady_us > since_us]
        for change in changes(late, self._change_of):
            self._tell_of(change)
            self._effects.cut_off(change)

    def _change_of(self, entry: Entry) -> str:
        """What tells the entries of one change, or the ends of one change, from others."""
        if entry.action != Action.END:
            return entry.group
        group = self.layers.by_seq[entry.ends[0]].group
        return group and f"end of {group}"

    def _tell_of(self, entries: Sequence[Entry]) -> None:
        """One event a change. Its id follows from the first entry's, so that telling it again after
        a restart adds nothing.

        The end of what was out of force already is no news.
        """
        entries = [entry for entry in entries if not entry.idle]
        if not entries:
            return
        first = entries[0]
        if first.action == Action.END:
            told = ends_notice(entries, [self.layers.by_seq[entry.ends[0]] for entry in entries])
        else:
            told = change_notice(entries)
        entropy = sha256(f"{first.id} event".encode()).digest()
        event_id = new_id("evt", first.at_us, entropy)
        self._tell(Event(event_id, first.at_us, str(first.subject), told))

    async def _preview(self, request: Command, actor: Actor) -> CommandAnswer:
        layers, now_us = self.layers, self._clock.wall_us()
        async with AsyncExitStack() as turn:
            if is_large(request):  # one after the other: many threads would leave the loop little
                await turn.enter_async_context(self._large)
            decided = await self._decided(request, actor, layers, now_us)
        if isinstance(decided, Rejected):
            return replace(rejection(request, decided), dry_run=True)
        estimate, warnings = await estimated(decided, layers, self._replayer, now_us)
        answer = answer_of(decided, above(decided, layers))
        warnings = answer.warnings + warnings
        return replace(answer, applied=False, dry_run=True, estimate=estimate, warnings=warnings)

    async def _loosen(self, entries: Sequence[Entry]) -> CommandAnswer:
        entry = entries[0]
        try:
            entries = await self._ledger.commands(entries, durable=True)
        except OSError as failed:
            why = failed.strerror or str(failed)
            return CommandAnswer(
                applied=False,
                recorded=False,
                subject=entry.subject,
                field=entry.field,
                refused=rejected("unrecorded", "unrecorded", why=why),
            )
        return await self._apply(entries)

    async def _tighten(self, entries: Sequence[Entry]) -> CommandAnswer:
        return await self._apply(await self._write_down(entries))

    async def _write_down(self, entries: Sequence[Entry]) -> list[Entry]:
        """Into the log now, or as soon as it can be written again."""
        try:
            return await self._ledger.commands(entries, durable=False)
        except OSError as failed:
            LOG.warning("a command is in force but not recorded: %s", failed)
            numbered = self._ledger.unrecorded(entries)
            self._unrecorded.update(entry.id for entry in numbered)
            return numbered

    async def _apply(self, entries: Sequence[Entry]) -> CommandAnswer:
        await self._fold(entries)
        for entry in entries:
            self.log.add(entry)
        self._ends.arm(self.layers)
        self._armed.set()
        slots = [slot_of(entry) for entry in entries if entry.action != Action.NOTE]
        await self._read_again(slots)
        self._tell_of(entries)
        self._effects.changed(entries)
        return await beside(partial(self._answer, entries), large=len(entries) > LARGE)

    async def _fold(self, entries: Sequence[Entry]) -> None:
        large, before = len(entries) > LARGE, None
        while before is not self.layers:  # it follows the wall clock meanwhile, too
            before = self.layers
            after = await beside(partial(before.with_entries, entries), large=large)
        self.layers = after

    async def _refuse(
        self, request: Command, actor: Actor, refused: Rejected, now_us: int
    ) -> CommandAnswer:
        entry = refused_entry(request, actor, refused, now_us)
        entry = replace(entry, id=new_id("cmd", now_us, os.urandom(10)))
        if not self.refused.takes_row(entry):
            return rejection(request, refused)
        try:
            entry = await self._ledger.command(entry, durable=False)
        except OSError as failed:
            LOG.warning("a refused command is not recorded: %s", failed)
            return replace(rejection(request, refused), recorded=False)
        self.log.add(entry)
        return self._answer((entry,))

    async def record_counted(self, *, ending: bool = False) -> None:
        """Write the rows of counted refusals that are due; ``ending``: all there are."""
        for counted in self.refused.due(ending=ending):
            row, now_us = counted.row(), self._clock.wall_us()
            try:
                row = replace(row, id=new_id("cmd", now_us, os.urandom(10)))
                self.log.add(await self._ledger.command(row, durable=False))
            except OSError:
                self.refused.put_back(counted)
                return

    def _again(self, entries: Sequence[Entry], request: Command, actor: Actor) -> CommandAnswer:
        entry = entries[0]
        undone = self.layers.by_seq[entry.ends[0]].id if entry.ends else ""
        if not same_request(entry, undone, request, actor):
            key = request.idempotency_key
            refused = rejected("conflict", "key_of_another", key=key, id=entry.id)
            return rejection(request, refused)
        return replace(self._answer(entries), repeated=True)

    def _answer(self, entries: Sequence[Entry]) -> CommandAnswer:
        answer = answer_of(entries, above(entries, self.layers))
        if entries[0].id not in self._unrecorded:
            return answer
        warnings = (*answer.warnings, notice("warning.unrecorded"))
        return replace(answer, recorded=False, warnings=warnings)

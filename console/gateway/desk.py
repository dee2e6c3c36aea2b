"""Where commands are decided, recorded and put in force, one after the other.

What loosens is in the log, synced, before it takes effect. What tightens takes effect even where
the log cannot be written; the ledger then keeps it and records it as soon as it can.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from hashlib import sha256
from typing import Final

from console.domain.catalogue import Catalogue
from console.domain.clock import Clock
from console.domain.commands import Action, Actor, Command, Entry
from console.domain.decide import Rejected, decide, slot_of, tightens
from console.domain.ids import new_id
from console.domain.layers import Layers, Slot
from console.domain.snapshot import Happening, HappeningKind
from console.domain.text import clean
from console.domain.wording import command_text, ended_text
from console.gateway.answers import (
    UNRECORDED,
    answer_of,
    refused_entry,
    rejection,
    same_request,
)
from console.gateway.command_log import CommandLog
from console.gateway.plan import file_layer
from console.gateway.preview import estimated
from console.store import Ledger
from console.wire.messages import CommandAnswer

OnChange = Callable[[Layers, tuple[Slot, ...]], Awaitable[None]]

LOOK_S: Final = 1.0
"""How soon a jump of the wall clock is noticed."""
_URGENT: Final = frozenset({Action.PAUSE, Action.KEY_REVOKE})
"""They pass the queue: one waits for at most one other command's sync."""
_NEVER_US: Final = 2**62
_LEVELS_EVERY_US: Final = 60_000_000
"""The last `levels` record tells to within this when the gateway before us was still there."""

LOG: Final = logging.getLogger(__name__)


class Desk:
    """Decides commands on the fold of the log. One task runs `run` for the gateway's life."""

    def __init__(
        self,
        ledger: Ledger,
        catalogue: Catalogue,
        clock: Clock,
        on_change: OnChange,
        tell: Callable[[Happening], None],
    ) -> None:
        recovered = ledger.recovered
        self._ledger = ledger
        self._catalogue = catalogue
        self._clock = clock
        self._on_change = on_change
        self._tell = tell
        self._unrecorded = set[str]()
        self._queue = asyncio.Lock()
        self._one_at_a_time = asyncio.Lock()
        self._armed = asyncio.Event()
        self.log = CommandLog(ledger)
        self.layers = Layers(file_layer(catalogue)).with_entries(recovered.entries)
        self._told_us = (recovered.levels_at_us or 0) - _LEVELS_EVERY_US
        self._next_us = self.layers.next_expiry_us(self._told_us) or _NEVER_US

    def living(self, entry: Entry, now_us: int) -> bool:
        """Whether an entry is in force: applied, neither ended, undone nor expired."""
        return (
            entry.applied
            and (entry.until_us is None or entry.until_us > now_us)
            and not self.layers.ended(entry.seq)
        )

    async def submit(self, request: Command, actor: Actor, *, dry_run: bool) -> CommandAnswer:
        """Decide a command and put it in force, or with ``dry_run`` tell what that would do.

        A repeated idempotency key gets its first answer again. A refusal is an answer.
        """
        if dry_run:
            return await self._preview(request, actor)
        async with AsyncExitStack() as turn:
            if request.action not in _URGENT:
                await turn.enter_async_context(self._queue)
            await turn.enter_async_context(self._one_at_a_time)
            if request.idempotency_key:
                known = await self.log.by_key(request.idempotency_key)
                if known is not None:
                    return self._again(known, request, actor)
            now_us = self._clock.wall_us()
            decided = decide(request, actor, self._catalogue, self.layers, now_us)
            if isinstance(decided, Rejected):
                return await self._refuse(request, actor, decided, now_us)
            entry = replace(decided, id=new_id("cmd", now_us, os.urandom(10)))
            if tightens(entry, self.layers):
                return await self._tighten(entry)
            return await self._loosen(entry)

    async def run(self, look_s: float = LOOK_S) -> None:
        """Wait for the next override's end, look, and so on; never returns."""
        for entry in self._ledger.recovered.entries:
            # Events wait in memory for SQLite; the last ones may be lost with the process.
            if entry.applied and entry.at_us > self._told_us:
                self._tell(_started(entry))
        while True:
            self._armed.clear()
            await self.tick()
            left_s = (self._next_us - self._clock.wall_us()) / 1_000_000
            with suppress(TimeoutError):
                async with asyncio.timeout(min(look_s, max(0.001, left_s))):
                    await self._armed.wait()

    async def tick(self) -> None:
        """Tell of the overrides that ran out since the last look, and have their values re-read.

        Where the wall clock was set back, overrides that had ended are in force again.
        """
        now_us, told_us = self._clock.wall_us(), self._told_us
        self._told_us = now_us
        if told_us <= now_us < self._next_us:
            return
        ended = [
            entry
            for entries in self.layers.by_slot.values()
            for entry in entries
            if entry.until_us is not None
            and min(told_us, now_us) < entry.until_us <= max(told_us, now_us)
            and not self.layers.ended(entry.seq)
        ]
        self._arm(now_us)
        if now_us >= told_us:
            for entry in sorted(ended, key=lambda entry: entry.until_us or 0):
                self._tell(_ending(entry, self.layers))
        if ended:
            await self._on_change(self.layers, tuple({slot_of(entry) for entry in ended}))

    async def _preview(self, request: Command, actor: Actor) -> CommandAnswer:
        layers, now_us = self.layers, self._clock.wall_us()
        decided = decide(request, actor, self._catalogue, layers, now_us)
        if isinstance(decided, Rejected):
            return rejection(request, decided).model_copy(update={"dry_run": True})
        estimate, warnings = await estimated(
            decided, layers, self._ledger.reader, self._catalogue, now_us
        )
        answer = answer_of(decided, layers.by_seq.get(decided.under))
        return answer.model_copy(
            update={
                "applied": False,
                "dry_run": True,
                "estimate": estimate,
                "warnings": answer.warnings + warnings,
            }
        )

    async def _loosen(self, entry: Entry) -> CommandAnswer:
        try:
            entry = await self._ledger.command(entry, durable=True)
        except OSError as failed:
            return CommandAnswer(
                applied=False,
                recorded=False,
                subject=entry.subject,
                field=entry.field,
                error=f"the command log cannot be written ({failed.strerror or failed}), and what "
                "loosens must stand in it first: nothing was changed; make room on the disk, "
                "then repeat the command",
                error_code=UNRECORDED,
            )
        return await self._apply(entry)

    async def _tighten(self, entry: Entry) -> CommandAnswer:
        try:
            entry = await self._ledger.command(entry, durable=False)
        except OSError as failed:
            LOG.warning("a command is in force but not recorded: %s", failed)
            entry = self._ledger.unrecorded(entry)
            self._unrecorded.add(entry.id)
        return await self._apply(entry)

    async def _apply(self, entry: Entry) -> CommandAnswer:
        self.layers = self.layers.with_entry(entry)
        self.log.add(entry)
        self._arm(entry.at_us)
        self._armed.set()
        await self._on_change(self.layers, (slot_of(entry),))
        self._tell(_started(entry))
        return self._answer(entry)

    async def _refuse(
        self, request: Command, actor: Actor, rejected: Rejected, now_us: int
    ) -> CommandAnswer:
        entry = refused_entry(request, actor, rejected, now_us)
        entry = replace(entry, id=new_id("cmd", now_us, os.urandom(10)))
        try:
            entry = await self._ledger.command(entry, durable=False)
        except OSError as failed:
            LOG.warning("a refused command is not recorded: %s", failed)
            return rejection(request, rejected).model_copy(update={"recorded": False})
        self.log.add(entry)
        return self._answer(entry)

    def _again(self, entry: Entry, request: Command, actor: Actor) -> CommandAnswer:
        undone = self.layers.by_seq[entry.ends[0]].id if entry.ends else ""
        if not same_request(entry, undone, request, actor):
            return rejection(
                request,
                Rejected(
                    "conflict",
                    f"the idempotency key {clean(request.idempotency_key, 80)!r} belongs to "
                    f"another command, {entry.id}: use a new key for a new command",
                ),
            )
        return self._answer(entry).model_copy(update={"repeated": True})

    def _answer(self, entry: Entry) -> CommandAnswer:
        answer = answer_of(entry, self.layers.by_seq.get(entry.under))
        if entry.id not in self._unrecorded:
            return answer
        words = "in force, NOT recorded: the command log could not be written"
        return answer.model_copy(update={"recorded": False, "warnings": (*answer.warnings, words)})

    def _arm(self, now_us: int) -> None:
        self._next_us = self.layers.next_expiry_us(now_us) or _NEVER_US


def _started(entry: Entry) -> Happening:
    return _happening(entry, "command", entry.at_us, command_text(entry))


def _ending(entry: Entry, layers: Layers) -> Happening:
    assert entry.until_us is not None
    return _happening(entry, "ended", entry.until_us, ended_text(entry, layers))


def _happening(entry: Entry, what: str, at_us: int, text: str) -> Happening:
    """Its id follows from the entry's, so that telling it again after a restart adds nothing."""
    kind = HappeningKind.COMMAND if what == "command" else HappeningKind.OVERRIDE_ENDED
    entropy = sha256(f"{entry.id} {what}".encode()).digest()
    return Happening(new_id("evt", at_us, entropy), at_us, kind, entry.subject, text)

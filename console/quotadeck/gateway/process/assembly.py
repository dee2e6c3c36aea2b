"""The gateway put together: store, limiter, plan, command desk, data plane and admin API.

The order at a start: the ledger is replayed, the command log folded, the plan compiled, buckets
restored from the records, and only then is anything served.
"""

import asyncio
import contextlib
import gc
import logging
import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from quotadeck.admission.days import BudgetDays
from quotadeck.admission.estimator import Estimator
from quotadeck.clock import MachineClock
from quotadeck.dialects.registry import DIALECTS, TRANSLATIONS
from quotadeck.domain.calls import Call
from quotadeck.domain.clock import Clock
from quotadeck.domain.effects import NO_GATES
from quotadeck.domain.layers import Layers, Slot
from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.refusals import LedgerUnavailable
from quotadeck.domain.rules import Windows
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import SubjectKind
from quotadeck.gateway.control.admin import create_admin
from quotadeck.gateway.control.desk import Desk
from quotadeck.gateway.control.offline import take_in
from quotadeck.gateway.control.replayer import Replayer
from quotadeck.gateway.data.call import Calls
from quotadeck.gateway.data.cors import CrossOrigin
from quotadeck.gateway.data.dataplane import DataPlane
from quotadeck.gateway.data.flights import Flights
from quotadeck.gateway.data.keys import key_ring
from quotadeck.gateway.data.lanes import Lanes
from quotadeck.gateway.data.lease_log import LeaseLog
from quotadeck.gateway.data.leases import Leases
from quotadeck.gateway.data.observers import Observers, Refusals
from quotadeck.gateway.data.turns import TurnBook
from quotadeck.gateway.log.handler import log
from quotadeck.gateway.log.happenings import CallLines, also_told, event_told
from quotadeck.gateway.plan import Plan, compile_plan, limits_of, recompile
from quotadeck.gateway.probe.asked import Means
from quotadeck.gateway.probe.probes import Probes
from quotadeck.gateway.process.in_force import PlanAndKeys
from quotadeck.gateway.process.restore import restore
from quotadeck.gateway.upstream.pool import Pool
from quotadeck.gateway.watch.budget_alarm import BudgetAlarm
from quotadeck.gateway.watch.effects import Effects
from quotadeck.gateway.watch.feed import Feed
from quotadeck.gateway.watch.key_alarm import KeyAlarm
from quotadeck.gateway.watch.levels import LevelKeeper
from quotadeck.gateway.watch.live import Live
from quotadeck.gateway.watch.price_alarm import PriceAlarm
from quotadeck.gateway.watch.recall import CALLS
from quotadeck.gateway.watch.refusal_log import RefusalLog
from quotadeck.gateway.watch.refused_picture import RefusedPicture
from quotadeck.gateway.watch.state_log import StateLog
from quotadeck.gateway.watch.upstream_alarm import UpstreamAlarm
from quotadeck.gateway.watch.usual import UsualHours
from quotadeck.gateway.watch.vitals import VitalSigns
from quotadeck.limiter import MemoryLimiter
from quotadeck.store import Ledger, StoreDamaged, StoreError, file_layer
from quotadeck.store.events import ALIVE, gateway_event
from quotadeck.wire.config import GatewayConfig
from quotadeck.words import say

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Gateway:
    """A gateway ready to serve."""

    ledger: Ledger
    upstream: Pool
    flights: Flights
    data_plane: DataPlane
    admin: Any
    feed: Feed
    desk: Desk
    replayer: Replayer
    vitals: VitalSigns
    levels: LevelKeeper
    refusals: RefusalLog
    keys: KeyAlarm
    tell: Callable[[Event], None]
    live: Live
    effects: Effects
    usual: UsualHours
    lines: CallLines
    probes: Probes
    leases: Leases
    turns: TurnBook

    def jobs(self) -> list[Coroutine[Any, Any, None]]:
        """What runs beside the servers for the gateway's life."""
        return [
            self.vitals.beat(),
            self.desk.run(),
            self.usual.run(),
            self._every_second(),
        ]

    def drain(self) -> None:
        """Take no new requests, and say so at every door."""
        self.flights.draining = True
        self.feed.hurry()

    async def second(self) -> None:
        """What is done every second, asked or not."""
        for event in self.ledger.look():
            self.tell(event)
        self.refusals.flush()
        self.keys.second()
        self.lines.second()
        await self.desk.record_counted()
        await self.flights.reap()
        await self.leases.second()
        await self.turns.second()
        await self.levels.second()
        await self.live.second()
        await self.effects.second()

    async def _every_second(self) -> None:
        try:
            # Made while nobody waits for it; and no collection of garbage need look through it.
            await self.feed.whole()
        except Exception:
            LOG.exception("the first picture could not be made")
        gc.freeze()
        while True:
            await asyncio.sleep(1)
            try:
                await self.second()
            except Exception:
                # Each is tried again in a second; the requests must go on meanwhile.
                LOG.exception("the second's work failed")

    async def close(self) -> None:
        """Everything written, everything let go."""
        with contextlib.suppress(OSError):
            self.refusals.flush()
            await self.desk.record_counted(ending=True)
            await self.levels.record()
        self.lines.close()
        await self.probes.close()
        await self.replayer.close()
        await self.upstream.close()
        await self.ledger.close()


async def open_gateway(config: GatewayConfig) -> Gateway:
    """Replay, fold, restore. Raises StoreError."""
    clock = MachineClock()
    ledger = partial(Ledger.open, config.state, clock, tell=_on_its_way)
    try:
        return await _open_on(await ledger(), config, clock)
    except StoreDamaged:
        # In pages that the ledger's own start does not read: it knows now, and rebuilds them.
        return await _open_on(await ledger(), config, clock)


async def _open_on(ledger: Ledger, config: GatewayConfig, clock: Clock) -> Gateway:
    try:
        return await _assemble(config, clock, ledger)
    except BaseException:
        ledger.look()
        await ledger.close()
        raise


async def _assemble(config: GatewayConfig, clock: Clock, ledger: Ledger) -> Gateway:
    catalogue = config.catalogue
    windows = Windows(config.request_window_s, config.token_window_s)
    limiter = MemoryLimiter(clock)

    def plan() -> Plan:
        return in_force.plan

    def draining() -> bool:
        return flights.draining

    vitals = VitalSigns(config.name, ledger, config.state, clock, draining)

    def unserved() -> str:
        if draining():
            return "draining"
        return "ledger" if ledger.unwritable else ""

    def keyed(project: str) -> bool:
        return in_force.keys.serves(project)

    days = BudgetDays(limiter, partial(_settled_on, ledger))
    states = StateLog(ledger, clock)
    usual = UsualHours(ledger, tuple(catalogue.projects), clock)

    live = Live(
        catalogue=catalogue,
        plan=plan,
        limiter=limiter,
        days=days,
        clock=clock,
        vitals=vitals.read,
        unserved=unserved,
        keyed=keyed,
        usual=usual.of,
        on_state=also_told(states.changed),
    )
    feed = Feed(live.snapshot)

    def tell(event: Event) -> None:
        ledger.event(event)
        event_told(event)
        live.happened(event)
        feed.hurry()

    turns = TurnBook(limiter, clock, live.storms)
    leases = Leases(plan, limiter, days, clock, LeaseLog(clock, tell), ledger.end_now, turns)
    levels = LevelKeeper(ledger, limiter, clock, leases.undrawn)

    async def changed(layers: Layers, slots: tuple[Slot, ...]) -> None:
        now_us = clock.wall_us()
        subjects = {subject for subject, _ in slots}
        in_force.plan = recompile(in_force.plan, subjects, catalogue, layers, windows, now_us)
        keyed: set[str] = set()
        for subject in subjects:
            if subject.kind is SubjectKind.KEY:
                in_force.keys = key_ring(layers, now_us, in_force.keys, subject)
                keyed.update(in_force.keys.projects_of(subject.name))
        await leases.changed(subjects, in_force.plan, in_force.keys)
        projects = in_force.plan.projects
        await turns.changed(lambda name: projects[name].paused is not None, in_force.keys)
        await limiter.relimit(limits_of(in_force.plan, subjects))
        gates = {subject for subject, name in slots if name not in NO_GATES}
        live.changed(gates, keyed & in_force.plan.projects.keys())
        if any(kind in (SubjectKind.PROJECT, SubjectKind.TARGET) for kind, _ in gates):
            # A replay reads recorded levels under the limits of then: they must be of one time.
            with contextlib.suppress(OSError):
                await levels.record()

    effects = Effects(ledger, clock, tell)
    replayer = Replayer(
        config.state, lambda: (flight.open for flight in reversed(flights.under_way.values()))
    )
    desk = Desk(
        ledger,
        catalogue,
        clock,
        changed,
        tell,
        replayer,
        live.state_of,
        effects,
        live.flow_of,
        leases.project_of,
    )
    now_us = clock.wall_us()
    ledger.catalogue(_file_layer(config), now_us)
    in_force = PlanAndKeys(
        compile_plan(catalogue, desk.layers, windows, now_us), key_ring(desk.layers, now_us)
    )
    await restore(ledger, limiter, live, plan(), now_us)
    with contextlib.suppress(StoreError):  # what cannot be read is not remembered
        newest = await ledger.reader.calls(last=CALLS)
        live.recall([call for _, call in newest], desk.layers.by_seq.values())
        held = await ledger.reader.states_at(now_us)
        live.resume(states.going_on(held, catalogue))

    refusals = RefusalLog(ledger, clock)
    spent_nano = limiter.spent_nano
    budgets = BudgetAlarm(plan, spent_nano, clock, tell)
    upstreams = UpstreamAlarm(clock, tell)
    keys = KeyAlarm(clock, tell)
    prices = PriceAlarm(plan, clock, tell)
    lines = CallLines(clock, access=config.log.access)
    observers = Observers(
        begun=(live.begun,),
        moved=(live.moved, upstreams.moved, lines.moved),
        ended=(live.ended, budgets.ended, upstreams.ended, prices.ended, lines.ended),
        refused=(
            RefusedPicture(live, spent_nano).refused,
            budgets.refused,
            keys.refused,
            refusals.refused,
            lines.refused,
        ),
    )
    estimator = Estimator()
    upstream = Pool()
    flights = Flights(limiter, ledger, estimator, clock, observers)
    calls = Calls(
        plan,
        limiter,
        days,
        estimator,
        flights,
        Lanes(TRANSLATIONS),
        upstream,
        Refusals(plan, observers.refused),
        config.body_limit_bytes,
        turns,
        leases,
    )
    data_plane = DataPlane(
        calls,
        plan,
        lambda: in_force.keys,
        now_us // 1_000_000,
        DIALECTS,
        CrossOrigin(config.cors_origins) if config.cors_origins else None,
    )
    await take_in(config.state / "offline", desk, os.getuid(), config.roles, clock, tell)
    tell(_started(ledger, clock))
    for loss in ledger.recovered.losses:
        log(logging.WARNING, loss.told)

    probes = Probes(Means(calls, catalogue, DIALECTS, partial(_recorded, ledger)))
    admin = create_admin(
        desk=desk,
        ledger=ledger,
        feed=feed,
        clock=clock,
        roles=config.roles,
        unready=lambda: "; ".join(map(say, ledger.troubles)),
        draining=draining,
        under_way=lambda: [flight.open for flight in flights.under_way.values()],
        catalogue=catalogue,
        name=config.name,
        probes=probes,
        leases=leases,
    )
    return Gateway(
        ledger,
        upstream,
        flights,
        data_plane,
        admin,
        feed,
        desk,
        replayer,
        vitals,
        levels,
        refusals,
        keys,
        tell,
        live,
        effects,
        usual,
        lines,
        probes,
        leases,
        turns,
    )


def _file_layer(config: GatewayConfig) -> bytes:
    return file_layer(
        config.catalogue,
        name=config.name,
        roles=config.roles,
        request_window_s=config.request_window_s,
        token_window_s=config.token_window_s,
        body_limit_bytes=config.body_limit_bytes,
    )


async def _recorded(ledger: Ledger, identity: str) -> Call | None:
    await ledger.flushed()
    found = await ledger.reader.call(identity, "")
    return found.calls[0] if found and found.is_own else None


async def _settled_on(ledger: Ledger, days: Mapping[str, str]) -> Mapping[str, int]:
    try:
        await ledger.flushed()
        return await ledger.reader.spent_on(days)
    except StoreError as error:
        raise LedgerUnavailable(say(error.told)) from None


def _on_its_way(told: Notice) -> None:
    """A start that takes long says so on stderr."""
    log(logging.WARNING, told)


def _started(ledger: Ledger, clock: Clock) -> Event:
    mark, count = ledger.recovered.mark, len(ledger.recovered.unknown)
    alive = {ALIVE: mark.wall_us} if mark else {}
    if count:
        return gateway_event(notice("gateway.restarted", count=count, **alive), clock)
    return gateway_event(notice("gateway.started", **alive), clock)

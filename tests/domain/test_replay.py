"""After a restart no bucket is fuller than it was, and with all records it is where it was."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quotadeck.domain.calls import Attempt, Call, Move, OpenCall, Outcome, moved, unknown_end
from quotadeck.domain.cause import Cause
from quotadeck.domain.limits import MICRO, Priority, RateLimit, Take, rpm, tpm
from quotadeck.domain.replay import restore_levels
from quotadeck.limiter import Admitted, MemoryLimiter
from tests.clocks import HandClock
from tests.store import values

RPM, TPM, TARGET = "project:a:rpm", "project:a:tpm", "target:u/m:tpm"
OTHER = "target:v/m:tpm"
NOON = 1_795_489_200_000_000
SECOND = 1_000_000


def opened(name: str, at_us: int, takes: Mapping[str, int]) -> OpenCall:
    call = values.opened(name, at_us=at_us, project="a")
    return call._replace(target="u/m", takes=tuple(takes.items()))


def move(call: OpenCall, at_us: int, gone: Mapping[str, int], takes: Mapping[str, int]) -> Move:
    """The call goes on: what ``gone`` says is left taken, and ``takes`` comes instead."""
    held = {key: amount for key, amount in call.takes if key not in gone}
    return Move(
        id=call.id,
        at_us=at_us,
        served_model="m",
        target="v/m",
        fallback_step=1,
        estimated_input=0,
        estimated_output=0,
        held_tokens=0,
        held_nano_usd=0,
        bound_is_estimate=False,
        price_version="v1",
        deadline_us=at_us + 600 * SECOND,
        gone=tuple(gone.items()),
        takes=tuple({**held, **takes}.items()),
        failed=Attempt(call.target, Cause.UPSTREAM_5XX, 500, 1),
    )


def ended(call: OpenCall, total_ms: int, charged: Mapping[str, int]) -> Call:
    return unknown_end(call)._replace(
        outcome=Outcome.OK,
        cause=Cause.NONE,
        total_ms=total_ms,
        charged=tuple(charged.items()),
    )


LIMITS = {RPM: rpm(60), TPM: tpm(60_000)}


class TestWithRecord:
    """A levels record says where the buckets stood."""

    def test_a_recorded_level_is_refilled_since(self) -> None:
        levels = restore_levels(LIMITS, NOON, {RPM: 0}, [], NOON + 3 * SECOND)
        assert levels[RPM] == pytest.approx(3 * MICRO, abs=2)
        assert levels[RPM] < 3 * MICRO

    def test_a_bucket_absent_from_the_record_was_full(self) -> None:
        assert restore_levels(LIMITS, NOON, {}, [], NOON)[TPM] == LIMITS[TPM].capacity

    def test_debt_is_kept(self) -> None:
        levels = restore_levels(LIMITS, NOON, {TPM: -90_000 * MICRO}, [], NOON + SECOND)
        assert levels[TPM] == pytest.approx(-89_000 * MICRO, abs=2_000)

    def test_takes_and_refunds_since_are_applied_in_order(self) -> None:
        """A refund before a take is lost on a full bucket; after it, it is not."""
        first = opened("first", NOON, {TPM: 10_000 * MICRO})
        second = opened("second", NOON + 30 * SECOND, {TPM: 60_000 * MICRO})
        refund = ended(first, 30_000, {TPM: 0})
        early = restore_levels(LIMITS, NOON, {}, [first, refund, second], NOON + 30 * SECOND)
        late = restore_levels(LIMITS, NOON, {}, [first, second, refund], NOON + 30 * SECOND)
        assert (early[TPM], late[TPM]) == (0, 10_000 * MICRO)

    def test_an_open_without_an_end_stays_charged(self) -> None:
        call = opened("lost", NOON, {RPM: MICRO, TPM: 5_000 * MICRO})
        journals: tuple[list[OpenCall | Call], ...] = ([call], [call, unknown_end(call)])
        for since in journals:
            assert restore_levels(LIMITS, NOON, {}, since, NOON) == {
                RPM: 9 * MICRO,
                TPM: 55_000 * MICRO,
            }

    def test_an_end_counts_as_late_as_its_cut_duration_allows(self) -> None:
        """More than was held, used 999 µs in, on a bucket that was full until then."""
        call = opened("a", NOON, {TPM: 0})
        end = ended(call, 0, {TPM: 30_000 * MICRO})
        levels = restore_levels(LIMITS, NOON, {}, [call, end], NOON + 1_000)
        assert levels[TPM] == 30_000 * MICRO

    def test_records_told_twice_count_once(self) -> None:
        call = opened("a", NOON, {TPM: 5_000 * MICRO})
        end = ended(call, 0, {TPM: 3_000 * MICRO})
        once = restore_levels(LIMITS, NOON, {}, [call, end], NOON)
        assert restore_levels(LIMITS, NOON, {}, [call, call, end, end, call], NOON) == once

    def test_a_call_under_way_at_the_record_gives_back_what_it_held(self) -> None:
        call = opened("a", NOON - SECOND, {TPM: 5_000 * MICRO})
        end = ended(call, 1_000, {TPM: 3_000 * MICRO})
        at_record = {TPM: 50_000 * MICRO}
        known = restore_levels(LIMITS, NOON, at_record, [end], NOON, under_way=[call])
        assert known[TPM] == 52_000 * MICRO
        again = restore_levels(LIMITS, NOON, at_record, [call, end], NOON, under_way=[call])
        assert again == known

    def test_an_end_whose_open_is_lost_is_charged_as_if_it_had_held_nothing(self) -> None:
        end = ended(opened("a", NOON - SECOND, {}), 1_000, {TPM: 3_000 * MICRO})
        levels = restore_levels(LIMITS, NOON, {TPM: 50_000 * MICRO}, [end], NOON)
        assert levels[TPM] == 47_000 * MICRO

    def test_a_charge_on_a_bucket_that_was_not_held_is_none(self) -> None:
        """A shadow limit that was short took nothing, and later usage does not reach it."""
        call = opened("a", NOON, {RPM: MICRO})
        end = ended(call, 0, {RPM: MICRO, TPM: 3_000 * MICRO})
        assert restore_levels(LIMITS, NOON, {}, [call, end], NOON)[TPM] == LIMITS[TPM].capacity

    def test_buckets_without_a_limit_now_are_left_out(self) -> None:
        call = opened("a", NOON, {"project:gone:rpm": MICRO})
        end = ended(call, 0, {"project:gone:rpm": 0})
        levels = restore_levels(LIMITS, NOON, {"project:gone:tpm": 1}, [call, end], NOON)
        assert levels.keys() == LIMITS.keys()

    @pytest.mark.parametrize("back_s", [1, 3_600])
    def test_a_wall_clock_that_ran_back_refills_nothing(self, back_s: int) -> None:
        call = opened("a", NOON + SECOND, {RPM: MICRO})
        now_us = NOON - back_s * SECOND
        assert restore_levels(LIMITS, NOON, {RPM: 5 * MICRO}, [call], now_us)[RPM] == 4 * MICRO

    def test_a_move_settles_what_it_gives_up_and_takes_what_it_holds(self) -> None:
        call = opened("a", NOON, {RPM: MICRO, TPM: 5_000 * MICRO})
        gone = move(call, NOON, {TPM: 1_000 * MICRO}, {TPM: 7_000 * MICRO})
        since: list[OpenCall | Move | Call] = [call, gone, gone]
        held = restore_levels(LIMITS, NOON, {}, since, NOON)
        assert held == {RPM: 9 * MICRO, TPM: 52_000 * MICRO}
        end = ended(moved(call, gone), 0, {TPM: 2_000 * MICRO})
        assert restore_levels(LIMITS, NOON, {}, [*since, end], NOON)[TPM] == 57_000 * MICRO
        levels, late = {TPM: held[TPM]}, [moved(call, gone)]
        known = restore_levels(LIMITS, NOON, levels, [end], NOON, under_way=late)
        assert known[TPM] == 57_000 * MICRO

    def test_refusals_cost_nothing(self) -> None:
        refused = unknown_end(opened("r", NOON, {}))._replace(
            outcome=Outcome.REFUSED, cause=Cause.RPM, count=40
        )
        assert restore_levels(LIMITS, NOON, {}, [refused], NOON)[RPM] == 10 * MICRO


class TestWithoutRecord:
    """Nothing says where the buckets stood: only what is known to have been taken."""

    def test_each_attempt_of_a_moved_call_counts_from_when_it_was(self) -> None:
        call = opened("a", NOON, {RPM: MICRO, TPM: 5_000 * MICRO})
        later = NOON + 30 * SECOND
        gone = move(call, later, {TPM: 1_000 * MICRO}, {TPM: 7_000 * MICRO})
        since: list[OpenCall | Move | Call] = [call, gone]
        # Both count until the window has passed since the move, not since the open.
        for at_us in (later, NOON + 70 * SECOND):
            levels = restore_levels(LIMITS, None, {}, since, at_us)
            assert levels[TPM] == 52_000 * MICRO, at_us
        end = ended(moved(call, gone), 30_000, {TPM: 2_000 * MICRO})
        assert restore_levels(LIMITS, None, {}, [*since, end], later)[TPM] == 57_000 * MICRO

    def test_the_last_windows_charges_are_missing_and_nothing_is_refilled(self) -> None:
        calls = [opened(str(s), NOON + s * SECOND, {RPM: MICRO}) for s in (0, 11, 19)]
        levels = restore_levels(LIMITS, None, {}, calls, NOON + 20 * SECOND)
        assert levels[RPM] == 8 * MICRO

    def test_ends_count_with_what_they_charged(self) -> None:
        call = opened("a", NOON, {TPM: 20_000 * MICRO})
        end = ended(call, 0, {TPM: 1_000 * MICRO})
        levels = restore_levels(LIMITS, None, {}, [call, end], NOON)
        assert levels[TPM] == 59_000 * MICRO

    def test_an_old_debt_is_remembered_as_far_as_the_records_go(self) -> None:
        call = opened("huge", NOON, {TPM: 300_000 * MICRO})
        levels = restore_levels(LIMITS, None, {}, [call], NOON + 120 * SECOND)
        assert levels[TPM] == pytest.approx(-120_000 * MICRO, abs=2_000)

    def test_a_new_gateway_starts_full(self) -> None:
        levels = restore_levels(LIMITS, None, {}, [], NOON)
        assert levels == {key: limit.capacity for key, limit in LIMITS.items()}


@dataclass
class Gateway:
    """Traffic on a real limiter, written down as a gateway writes it."""

    limits: Mapping[str, RateLimit]
    clock: HandClock = field(default_factory=HandClock)
    journal: list[OpenCall | Move | Call] = field(default_factory=list)
    live: dict[str, OpenCall] = field(default_factory=dict)
    levels_at_us: int | None = None
    levels: dict[str, int] = field(default_factory=dict)
    under_way: tuple[OpenCall, ...] = ()
    asked: int = 0

    def __post_init__(self) -> None:
        self.limiter = MemoryLimiter(self.clock)

    async def request(self, shares: Sequence[float], priority: Priority) -> None:
        takes = [
            Take(
                key, int(self.limits[key].capacity * share), self.limits[key], shared=key == TARGET
            )
            for key, share in zip((RPM, TPM, TARGET), shares, strict=True)
        ]
        self.asked += 1
        name = f"req_{self.asked}"
        if isinstance(await self.limiter.acquire(name, takes, priority, 600_000), Admitted):
            amounts = {take.key: take.amount for take in takes}
            call = opened(name, self.clock.wall_us(), amounts)
            self.live[name] = call
            self.journal.append(call)

    async def go_on(self, which: int, used: float, share: float) -> None:
        """Move the call to the target where it is not, from the one where it used a share."""
        if not self.live:
            return
        name = sorted(self.live)[which % len(self.live)]
        call = self.live[name]
        here = next(key for key, _ in call.takes if key in (TARGET, OTHER))
        there = OTHER if here == TARGET else TARGET
        limit = self.limits[there]
        take = Take(there, int(limit.capacity * share), limit, shared=True)
        gone = {here: int(dict(call.takes)[here] * used)}
        answer = await self.limiter.exchange(name, gone, [take], Priority.HIGH, 600_000)
        if isinstance(answer, Admitted):
            record = move(call, self.clock.wall_us(), gone, {there: take.amount})
            self.live[name] = moved(call, record)
            self.journal.append(record)

    async def reply(self, which: int, used: float | None) -> None:
        """End the call with a share of its estimate, or with the estimate itself."""
        if not self.live:
            return
        call = self.live.pop(sorted(self.live)[which % len(self.live)])
        charged = {} if used is None else {k: int(a * used) for k, a in call.takes if k != RPM}
        assert await self.limiter.settle(call.id, charged)
        total_ms = (self.clock.wall_us() - call.at_us) // 1_000
        self.journal.append(ended(call, total_ms, charged))

    async def now(self) -> dict[str, int]:
        states = await self.limiter.levels(list(self.limits))
        return {
            key: states[key].level if key in states else limit.capacity
            for key, limit in self.limits.items()
        }

    async def record_levels(self) -> None:
        self.levels_at_us = self.clock.wall_us()
        now = await self.now()
        self.levels = {k: v for k, v in now.items() if v < self.limits[k].capacity}
        self.under_way = tuple(self.live.values())
        self.journal.clear()

    def restored(self, *, under_way: bool = True) -> dict[str, int]:
        return restore_levels(
            self.limits,
            self.levels_at_us,
            self.levels,
            self.journal,
            self.clock.wall_us(),
            under_way=self.under_way if under_way else (),
        )


REQUESTS = st.tuples(
    st.just("request"),
    st.tuples(*[st.one_of(st.floats(0, 0.3), st.floats(0, 3)) for _ in range(3)]),
    st.sampled_from(Priority),
)
REPLIES = st.tuples(st.just("reply"), st.integers(0, 50), st.none() | st.floats(0, 4))
PAUSES = st.tuples(st.just("pause"), st.integers(0, 10_000) | st.integers(0, 30_000_000_000))
MOVES = st.tuples(st.just("move"), st.integers(0, 50), st.floats(0, 4), st.floats(0, 3))
TRAFFIC = st.lists(st.one_of(REQUESTS, REPLIES, MOVES, PAUSES), max_size=25)
NUMBERS = st.tuples(*[st.integers(1, 200_000) for _ in range(4)])


async def _play(gateway: Gateway, traffic: Sequence[tuple[object, ...]]) -> None:
    for kind, *rest in traffic:
        match kind, rest:
            case "request", [tuple() as shares, Priority() as priority]:
                await gateway.request(shares, priority)
            case "reply", [int() as which, used]:
                assert used is None or isinstance(used, float)
                await gateway.reply(which, used)
            case "move", [int() as which, float() as used, float() as share]:
                await gateway.go_on(which, used, share)
            case "pause", [int() as ns]:
                gateway.clock.advance_ns(ns)


def _gateway(numbers: tuple[int, ...]) -> Gateway:
    keys = (RPM, TPM, TARGET, OTHER)
    return Gateway({k: RateLimit(number, 10) for k, number in zip(keys, numbers, strict=True)})


@settings(max_examples=300, deadline=None)
@given(NUMBERS, TRAFFIC, TRAFFIC, st.integers(0, 5_000_000_000))
def test_with_all_records_a_bucket_starts_where_it_stood_and_never_fuller(
    numbers: tuple[int, ...],
    before: Sequence[tuple[object, ...]],
    after: Sequence[tuple[object, ...]],
    down_ns: int,
) -> None:
    async def crash_and_restart() -> None:
        gateway = _gateway(numbers)
        await _play(gateway, before)
        await gateway.record_levels()
        await _play(gateway, after)
        gateway.clock.advance_ns(down_ns)
        true, restored = await gateway.now(), gateway.restored()
        cautious = gateway.restored(under_way=False)
        for key, limit in gateway.limits.items():
            short_of = 1_010_000 * limit.gain // limit.every_ns + 3 * limit.gain
            assert true[key] - short_of <= restored[key] <= true[key]
            assert cautious[key] <= restored[key]

    asyncio.run(crash_and_restart())


@settings(max_examples=200, deadline=None)
@given(NUMBERS, TRAFFIC, st.integers(0, 5_000_000_000))
def test_before_the_first_levels_record_a_bucket_never_starts_fuller_either(
    numbers: tuple[int, ...], traffic: Sequence[tuple[object, ...]], down_ns: int
) -> None:
    async def crash_and_restart() -> None:
        gateway = _gateway(numbers)
        await _play(gateway, traffic)
        gateway.clock.advance_ns(down_ns)
        true, restored = await gateway.now(), gateway.restored()
        assert all(restored[key] <= true[key] for key in gateway.limits)

    asyncio.run(crash_and_restart())


async def test_a_restarted_limiter_admits_what_the_old_one_would_have() -> None:
    gateway = Gateway({RPM: rpm(60), TPM: tpm(60_000), TARGET: tpm(120_000)})
    for _ in range(5):
        await gateway.request((0.1, 0.1, 0.05), Priority.HIGH)
    await gateway.record_levels()
    gateway.clock.advance_ms(1_000)
    for _ in range(3):
        await gateway.request((0.1, 0.1, 0.05), Priority.HIGH)
    restored = gateway.restored()
    gateway.limiter = MemoryLimiter(gateway.clock)
    await gateway.limiter.restore({k: (restored[k], limit) for k, limit in gateway.limits.items()})
    gateway.journal.clear()
    for _ in range(10):
        await gateway.request((0.1, 0.0, 0.0), Priority.HIGH)
    assert len(gateway.journal) == 2  # 10 − 5 + 1 − 3 = 3, less the microsecond that is cut off

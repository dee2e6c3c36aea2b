"""A request whose first target fails goes on to the next one: held all the while, paid once each.

No route gives a lane a second stop yet: here a lane has all of its route's targets.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from quotadeck.dialects.base import Dialect
from quotadeck.domain.calls import Attempt, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Field
from quotadeck.domain.limits import MICRO, RateLimit
from quotadeck.domain.replay import restore_levels
from quotadeck.domain.subject import Subject
from quotadeck.gateway.data.lanes import Lane, Lanes, lane_of
from quotadeck.gateway.plan import Plan, limits_of
from quotadeck.store import Ledger
from tests.gateway.chats import (
    ANALYTICS,
    COST,
    DELTA,
    DONE,
    SHORT,
    STREAM,
    USAGE_EVENT,
    nothing_is_held,
    silence,
    streams,
    well,
)
from tests.gateway.provider import Peer, Provider, Script, always, provider
from tests.gateway.rig import Reply, Rig, rig
from tests.gateway.values import FLASH, OPUS, UPSTREAM, catalogue

FIRST, SECOND = (str(Subject.target(name)) for name in (OPUS, FLASH))
BUCKETS = (f"{ANALYTICS}:rpm", f"{ANALYTICS}:tpm", f"{FIRST}:rpm", f"{SECOND}:rpm")
BOTH = pytest.mark.parametrize("data", [SHORT, STREAM], ids=["whole", "stream"])


class AllStops(Lanes):
    """Lanes with every target of the route, the serving one first."""

    def of(self, plan: Plan, project: str, model: str, dialect: Dialect, path: str) -> Lane:
        route = plan.routes[model]
        lanes = [
            lane_of(
                replace(plan, routes={model: replace(route, serving=target, step=step)}),
                *(project, model, dialect, path),
            )
            for step, target in enumerate(route.route.targets)
        ]
        return lanes[0]._replace(stops=tuple(lane.stops[0] for lane in lanes))


@dataclass
class Two:
    """A gateway before two upstreams."""

    it: Rig
    first: Provider
    second: Provider

    async def left(self) -> list[int]:
        """What is left in `BUCKETS`, in whole requests or tokens."""
        return [(await self.it.bucket(key)).level // MICRO for key in BUCKETS]


@asynccontextmanager
async def two(
    directory: Path, first: Script | None, second: Script, limit: int = 60
) -> AsyncIterator[Two]:
    """``first`` None: nobody listens there. ``limit``: requests a minute at the second target."""
    async with provider(first or silence) as one, provider(second) as other:
        port = one.port if first else 1
        upstreams = {
            "main": replace(UPSTREAM, base_url=f"http://127.0.0.1:{port}/v1", timeout_s=5.0),
            "other": replace(
                UPSTREAM, name="other", base_url=f"http://127.0.0.1:{other.port}/v1", timeout_s=5.0
            ),
        }
        of = catalogue(target={"rpm": 60})
        flash = replace(of.targets[FLASH], upstream="other", limits={Field.RPM: limit})
        of = replace(of, upstreams=upstreams, targets={**of.targets, FLASH: flash})
        async with rig(directory, of, lanes=AllStops()) as it:
            yield Two(it, one, other)


def fails(status: str) -> Script:
    async def answer(peer: Peer) -> None:
        await peer.answer(b'{"error":{"message":"no"}}', status, "X-Request-Id: up-1")

    return always(answer)


GOOD = {SHORT: always(well), STREAM: streams(DELTA, USAGE_EVENT, DONE)}


@BOTH
@pytest.mark.parametrize(
    ("first", "cause", "status"),
    [
        (fails("500 No"), Cause.UPSTREAM_5XX, 500),
        (fails("429 Slow"), Cause.UPSTREAM_429, 429),
        (fails("401 Who"), Cause.UPSTREAM_AUTH, 401),
        (None, Cause.UNREACHABLE, 0),
    ],
    ids=["500", "429", "401", "unreachable"],
)
async def test_next_target_answers_where_the_first_fails(
    tmp_path: Path,
    small_ballast: None,
    data: bytes,
    first: Script | None,
    cause: Cause,
    status: int,
) -> None:
    async with two(tmp_path, first, GOOD[data]) as at:
        reply = await at.it.ask(data)
        assert (reply.status, reply.whole) == (200, True)
        assert reply.sent_headers["x-served-model"] == FLASH
        assert reply.sent_headers["x-fallback-step"] == "1"
        call = await at.it.call()
        assert (call.outcome, call.target, call.fallback_step) == (Outcome.OK, FLASH, 1)
        assert (call.served_model, call.cost_nano_usd) == ("flash-2.5", COST)
        request_id = "up-1" if status else ""
        assert [attempt._replace(ms=0) for attempt in call.attempts] == [
            Attempt(OPUS, cause, status, 0, request_id),
            Attempt(FLASH, Cause.NONE, 200, 0),
        ]
        await nothing_is_held(at.it, COST)
        # An upstream that was not reached has used no request; the project's is used once.
        assert await at.left() == [9, 60_000 - 46, 10 if first is None else 9, 9]
        targets = {row.id: row for row in (await at.it.live.snapshot()).targets}
        assert [targets[name].flow.in_flight for name in (OPUS, FLASH)] == [0, 0]
        assert [targets[name].flow.failed_60s for name in (OPUS, FLASH)] == [1, 0]


@pytest.mark.parametrize(
    ("first", "status"), [(fails("400 Wrong"), 400), (fails("204 Nothing"), 502)]
)
async def test_what_another_target_would_not_help_goes_nowhere(
    tmp_path: Path, small_ballast: None, first: Script, status: int
) -> None:
    async with two(tmp_path, first, always(well)) as at:
        assert (await at.it.ask(SHORT)).status == status
        assert at.second.peers == []
        await nothing_is_held(at.it, 0)


async def test_last_failure_is_told_where_all_fail(tmp_path: Path, small_ballast: None) -> None:
    async with two(tmp_path, fails("500 No"), fails("503 Neither")) as at:
        reply = await at.it.ask(SHORT)
        assert reply.status == 503
        call = await at.it.call()
        assert (call.outcome, call.target) == (Outcome.UPSTREAM_ERROR, FLASH)
        assert [attempt.http_status for attempt in call.attempts] == [500, 503]
        await nothing_is_held(at.it, 0)
        assert await at.left() == [9, 60_000, 9, 9]


async def test_request_that_reached_one_target_and_not_the_next_is_a_request(
    tmp_path: Path, small_ballast: None
) -> None:
    async def hang_up(peer: Peer) -> None:
        peer.reset()

    async with two(tmp_path, fails("500 No"), hang_up) as at:
        here = at.it.of.upstreams["other"]
        gone = replace(here, base_url="http://127.0.0.1:1/v1")
        at.it.of = replace(at.it.of, upstreams={**at.it.of.upstreams, "other": gone})
        at.it.command()
        assert (await at.it.ask(SHORT)).status == 502
        call = await at.it.call()
        assert [one.cause for one in call.attempts] == [Cause.UPSTREAM_5XX, Cause.UNREACHABLE]
        await nothing_is_held(at.it, 0)
        assert await at.left() == [9, 60_000, 9, 10]


@BOTH
async def test_first_failure_is_told_where_the_next_target_has_no_room(
    tmp_path: Path, small_ballast: None, data: bytes
) -> None:
    async with two(tmp_path, fails("503 No"), GOOD[data], limit=6) as at:
        assert (await at.it.ask(data)).status == 200
        reply = await at.it.ask(data)
        assert (reply.status, reply.error["message"]) == (503, "no")
        assert at.it.refused == []
        *_, call = await at.it.calls()
        assert (call.target, call.cause) == (OPUS, Cause.UPSTREAM_5XX)
        assert len(call.attempts) == 1
        await nothing_is_held(at.it, COST)
        assert await at.left() == [8, 60_000 - 46, 8, 0]


async def waiting_at_the_second(at: Two) -> tuple[Reply, asyncio.Task[None]]:
    reply, task = at.it.start(SHORT)
    async with asyncio.timeout(5):
        while not at.second.peers:  # noqa: ASYNC110 -- the provider has no event for it
            await asyncio.sleep(0)
    return reply, task


async def test_hold_is_never_let_go_between(tmp_path: Path, small_ballast: None) -> None:
    async with two(tmp_path, fails("500 No"), silence) as at:
        seen: list[tuple[int, int]] = []
        take = at.it.limiter.exchange

        async def watched(*given: object) -> object:
            for look in (True, False):
                budget = await at.it.bucket(f"{ANALYTICS}:budget")
                seen.append((budget.held, (await at.it.bucket(BUCKETS[0])).level // MICRO))
                if look:
                    answer = await take(*given)  # type: ignore[arg-type]
            return answer

        at.it.limiter.exchange = watched  # type: ignore[method-assign, assignment]
        _, task = await waiting_at_the_second(at)
        assert [requests for _, requests in seen] == [9, 9]
        assert all(held > 0 for held, _ in seen)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_killed_at_the_second_target_it_comes_back_as_moved(
    tmp_path: Path, small_ballast: None
) -> None:
    """What is held and what the failed attempt used are those of the last move."""
    async with two(tmp_path, fails("500 No"), silence) as at:
        reply, task = await waiting_at_the_second(at)
        held = (await at.it.bucket(f"{ANALYTICS}:budget")).held
        shutil.copytree(tmp_path / "state", tmp_path / "left")
        again = await Ledger.open(tmp_path / "left", at.it.clock)
        [lost] = again.recovered.unknown
        assert (lost.target, lost.fallback_step, lost.cost_nano_usd) == (FLASH, 1, held)
        assert [one.target for one in lost.attempts] == [OPUS, FLASH]
        limits = limits_of(at.it.plan[0])
        rates = {k: one for k in BUCKETS if isinstance(one := limits[k], RateLimit)}
        found = restore_levels(
            rates,
            again.recovered.levels_at_us,
            again.recovered.levels,
            again.recovered.since,
            at.it.clock.wall_us(),
        )
        assert [found[key] // MICRO for key in BUCKETS] == await at.left()
        await again.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert reply.status == 503


async def test_move_that_cannot_be_written_is_not_sent(
    tmp_path: Path, small_ballast: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    async def answer(peer: Peer) -> None:
        monkeypatch.setattr("quotadeck.store.journal.journal.os.write", full)
        await peer.answer(b"{}", "500 No")

    async with two(tmp_path, always(answer), always(well)) as at:
        reply = await at.it.ask(SHORT)
        assert (reply.status, reply.error["code"]) == (503, "ledger_unavailable")
        assert at.second.peers == []
        await nothing_is_held(at.it, 0)
        assert await at.left() == [9, 60_000, 9, 10]
        monkeypatch.undo()
        await at.it.flights.reap()
        call = await at.it.call()
        assert (call.cause, call.cost_nano_usd) == (Cause.UNRECORDED, 0)


async def test_request_that_is_cancelled_while_its_move_is_written_was_not_sent(
    tmp_path: Path, small_ballast: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two(tmp_path, fails("500 No"), always(well)) as at:
        method = at.it.ledger.move_call

        def recorded(*given: object) -> object:
            task = asyncio.current_task()
            assert task
            task.cancel()
            return method(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(at.it.ledger, "move_call", recorded)
        assert (await at.it.ask(SHORT)).status == 503
        assert at.second.peers == []
        call = await at.it.call()
        assert (call.target, call.cause, call.cost_nano_usd) == (FLASH, Cause.RESTART, 0)
        await nothing_is_held(at.it, 0)
        assert await at.left() == [9, 60_000, 9, 10]


async def test_stream_that_has_begun_goes_nowhere(tmp_path: Path, small_ballast: None) -> None:
    async with two(tmp_path, streams(DELTA, end=False), GOOD[STREAM]) as at:
        reply = await at.it.ask(STREAM)
        assert reply.status == 200
        assert b"[DONE]" not in reply.body
        assert at.second.peers == []
        assert (await at.it.call()).target == OPUS

"""What ends a lane: whatever can change is changed, and the next request is looked at.

The whole gateway over a real ledger, asked and asking over real sockets, by a clock in our hand. A
lane holds a project's and a target's plan, takes made ready of their limits, an endpoint and the
head that names the target. What it must not hold stands in the tests below as well: keys, the
day's money, what the estimator learned, what the limiter has left, and the drain.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from quotadeck.domain.calls import Call
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Action, Command, Field
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.subject import Subject
from quotadeck.gateway.process.assembly import Gateway, _assemble
from quotadeck.store import Ledger
from quotadeck.wire.config import GatewayConfig
from tests.clocks import HandClock
from tests.gateway.chats import SHORT, completion
from tests.gateway.provider import PATIENCE_S, Peer, Provider, provider
from tests.gateway.rig import SECRET
from tests.gateway.serving import asked_over_http
from tests.gateway.story_setting import ADA
from tests.gateway.values import CHAT, FLASH, NOON_US, OPUS, UPSTREAM, body, catalogue

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
KEY = ProjectKey(sha256(SECRET.encode()).hexdigest(), ("analytics", "search"), "prod")
ANALYTICS = Subject.project("analytics")
MODEL = Subject.model("opus")
TARGET = Subject.target(OPUS)


@dataclass
class Life:
    """A gateway from its start to its end, and its upstream."""

    config: GatewayConfig
    clock: HandClock
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set the upstream does not answer."""
    held: asyncio.Event = field(default_factory=asyncio.Event)
    """A request has come that it does not answer."""
    gateway: Gateway = field(init=False)
    http: httpx.AsyncClient = field(init=False)

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        ledger = await Ledger.open(self.config.state, self.clock)
        self.gateway = await _assemble(self.config, self.clock, ledger)
        try:
            async with asked_over_http(self.gateway.data_plane) as self.http:
                yield
        finally:
            await self.gateway.close()

    async def answer(self, peer: Peer) -> None:
        while await peer.request():
            if not self.go_on.is_set():
                self.held.set()
            await self.go_on.wait()
            await peer.answer(completion())

    async def ask(
        self, data: bytes = SHORT, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """One request, to its end."""
        return await self.http.post(CHAT, content=data, headers=headers)

    async def does(self, *what: Any, for_ms: int | None = None, value: Any = None) -> str:
        """An admin's command, in force; its id."""
        command = replace(Command(*what), reason="a test", for_ms=for_ms)
        command = command if value is None else replace(command, value=value)
        answer = await self.gateway.desk.submit(command, ADA, dry_run=False)
        assert answer.applied, answer
        return answer.command_id

    async def wait(self, ms: int) -> None:
        """Time passes, and the desk looks, as it does when an end is reached."""
        self.clock.advance_ms(ms)
        await self.gateway.desk.tick()

    async def last_call(self) -> Call:
        await self.gateway.ledger.flushed()
        [(_, call)] = await self.gateway.ledger.reader.calls(last=1)
        return call


@pytest.fixture
async def life(tmp_path: Path, small_ballast: None) -> AsyncIterator[Life]:
    lives: list[Life] = []

    async def script(peer: Peer) -> None:
        await lives[0].answer(peer)

    async with provider(script) as upstream:
        life = Life(_config(tmp_path, upstream), HandClock(NOON_US))
        lives.append(life)
        life.go_on.set()
        async with life.going_on():
            await life.does(Action.KEY_ADD, Subject.key("k_prod"), value=KEY)
            yield life


def _config(directory: Path, upstream: Provider) -> GatewayConfig:
    of = catalogue(zone="Asia/Tokyo", daily_budget_usd=3_000_000)
    there = replace(UPSTREAM, base_url=f"http://127.0.0.1:{upstream.port}/v1")
    state = directory / "state"
    return GatewayConfig(
        name="lanes",
        listen_host="127.0.0.1",
        listen_port=0,
        socket=state / "s",
        state=state,
        socket_group=None,
        roles={},
        catalogue=replace(of, upstreams={"main": there}),
        request_window_s=10,
        token_window_s=60,
        body_limit_bytes=100_000,
    )


Seen = dict[str, Any]
"""Of an answer what a lane decides."""


def seen(reply: httpx.Response) -> Seen:
    head = reply.headers
    return {
        "status": reply.status_code,
        "code": reply.json()["error"]["code"] if reply.is_error else "",
        "rpm": _a_minutes(head.get("x-ratelimit-limit-requests")),
        "tpm": head.get("x-ratelimit-limit-tokens"),
        "served": head.get("x-served-model"),
        "step": head.get("x-fallback-step"),
    }


def _a_minutes(limit: str | None) -> str | None:
    """The requests of a window of ten seconds are told."""
    return None if limit is None else str(6 * int(limit))


USUAL: Seen = {
    "status": 200,
    "code": "",
    "rpm": "60",
    "tpm": "60000",
    "served": OPUS,
    "step": "0",
}
CHANGES: dict[str, tuple[tuple[Any, ...], Seen]] = {
    "a project's requests": ((Action.LIMIT, ANALYTICS, Field.RPM, 30), {"rpm": "30"}),
    "a project's tokens": ((Action.LIMIT, ANALYTICS, Field.TPM, 30_000), {"tpm": "30000"}),
    "a project's budget": (
        (Action.LIMIT, ANALYTICS, Field.BUDGET, 1_000),
        {"status": 400, "code": "exceeds_daily_budget"},
    ),
    "a pause of a project": (
        (Action.PAUSE, ANALYTICS, Field.PAUSED, True),
        {"status": 403, "code": "project_paused"},
    ),
    "a pause of a model": (
        (Action.PAUSE, MODEL, Field.PAUSED, True),
        {"status": 403, "code": "model_paused"},
    ),
    "a target's requests": (
        (Action.LIMIT, TARGET, Field.RPM, 6),
        {"status": 429, "code": "rate_limit_exceeded"},
    ),
    "a route's target": (
        (Action.FALLBACK, MODEL, Field.TARGET, FLASH),
        {"served": FLASH, "step": "1"},
    ),
}
change = pytest.mark.parametrize(("command", "then"), CHANGES.values(), ids=CHANGES)


async def taken(life: Life) -> None:
    """There is a lane, and requests go by it as usual."""
    for _ in range(2):
        assert seen(await life.ask()) == USUAL


async def met(life: Life, command: tuple[Any, ...], then: Seen) -> None:
    """The next request finds what was commanded."""
    if command[1] is TARGET:
        assert (await life.ask()).status_code == 200, "it takes the one that ten seconds have"
    changed = seen(await life.ask())
    assert {name: changed[name] for name in then} == then


class TestCommand:
    @change
    async def test_is_met_by_the_next_request_until_it_ends(
        self, life: Life, command: tuple[Any, ...], then: Seen
    ) -> None:
        await taken(life)
        await life.does(*command, for_ms=MINUTE_MS)
        await met(life, command, then)
        await life.wait(MINUTE_MS - 1)
        await met(life, command, then)
        await life.wait(1)
        await taken(life)

    @change
    async def test_is_met_no_more_once_it_is_undone(
        self, life: Life, command: tuple[Any, ...], then: Seen
    ) -> None:
        undone = await life.does(*command, for_ms=MINUTE_MS)
        await met(life, command, then)
        await life.does(Action.UNDO, Subject.command(undone))
        await life.wait(MINUTE_MS)  # what the buckets lost meanwhile
        await taken(life)

    @change
    async def test_is_met_no_more_once_it_is_ended_nor_where_that_is_redone(
        self, life: Life, command: tuple[Any, ...], then: Seen
    ) -> None:
        made = await life.does(*command, for_ms=MINUTE_MS)
        await met(life, command, then)
        undone = await life.does(Action.UNDO, Subject.command(made))
        await life.wait(MINUTE_MS // 2)
        await life.does(Action.REDO, Subject.command(undone))
        await met(life, command, then)
        await life.does(Action.END_NOW, command[1], command[2])
        await life.wait(MINUTE_MS)
        await taken(life)

    @change
    async def test_is_met_after_its_first_end_where_it_was_extended_or_made_permanent(
        self, life: Life, command: tuple[Any, ...], then: Seen
    ) -> None:
        await life.does(*command, for_ms=MINUTE_MS)
        await life.does(Action.EXTEND, command[1], command[2], for_ms=MINUTE_MS)
        await life.wait(MINUTE_MS)
        await met(life, command, then)
        await life.does(Action.PERMANENT, command[1], command[2])
        await life.wait(2 * MINUTE_MS)
        await met(life, command, then)

    @pytest.mark.parametrize("subject", [ANALYTICS, MODEL], ids=str)
    async def test_resume_lets_the_next_request_in(self, life: Life, subject: Subject) -> None:
        await taken(life)
        await life.does(Action.PAUSE, subject, Field.PAUSED, True)
        assert (await life.ask()).status_code == 403
        await life.does(Action.RESUME, subject)
        await taken(life)

    async def test_slots_bind_the_next_request(self, life: Life) -> None:
        await taken(life)
        await life.does(Action.LIMIT, ANALYTICS, Field.CONCURRENCY, 1, for_ms=MINUTE_MS)
        life.go_on.clear()
        under_way = asyncio.create_task(life.ask())
        async with asyncio.timeout(PATIENCE_S):
            await life.held.wait()
        refused = await life.ask()
        assert (refused.status_code, refused.json()["error"]["limit"]) == (
            429,
            "project:analytics:concurrency",
        )
        life.go_on.set()
        assert (await under_way).status_code == 200
        await taken(life)

    def test_each_that_there_is_is_tried_here(self) -> None:
        tried = {command[0] for command, _ in CHANGES.values()}
        others = {Action.UNDO, Action.RESUME, Action.END, Action.KEY_ADD, Action.KEY_REVOKE}
        others |= {Action.REDO, Action.END_NOW, Action.EXTEND, Action.PERMANENT, Action.END_LEASE}
        no_values = {Action.NOTE, Action.ACKNOWLEDGE}
        at_the_request = {Action.PRIORITY}  # a class is told the limiter with each request
        assert tried | others | no_values | at_the_request == set(Action)


class TestNotInALane:
    async def test_revoked_key_is_refused_at_once_and_another_is_let_in(self, life: Life) -> None:
        await taken(life)
        other = "qk_" + "t" * 43
        key = replace(KEY, sha256=sha256(other.encode()).hexdigest())
        await life.does(Action.KEY_ADD, Subject.key("k_other"), value=key)
        await life.does(Action.KEY_REVOKE, Subject.key("k_prod"))
        assert (await life.ask()).status_code == 401
        assert (await life.ask(headers={"authorization": f"Bearer {other}"})).status_code == 200

    async def test_key_goes_to_the_project_that_it_names(self, life: Life) -> None:
        await taken(life)
        theirs = await life.ask(headers={"x-project-id": "search"})
        assert theirs.headers["x-project-id"] == "search"
        assert "x-ratelimit-limit-requests" not in theirs.headers

    async def test_money_of_a_day_ends_at_the_projects_own_midnight(self, life: Life) -> None:
        """In Tokyo, at 15:00 UTC: three hours from now."""
        await taken(life)
        for _ in range(10):
            reply = await life.ask()
            await life.wait(MINUTE_MS)
            if reply.status_code == 429:
                break
        assert reply.json()["error"]["code"] == "insufficient_quota"
        to_midnight = 3 * HOUR_MS - (life.clock.wall_us() - NOON_US) // 1_000
        await life.wait(to_midnight - 1)
        assert (await life.ask()).status_code == 429
        assert (await life.last_call()).day == "2026-11-24"
        await life.wait(1)
        await taken(life)
        assert (await life.last_call()).day == "2026-11-25"

    async def test_what_was_learned_of_replies_is_expected_of_the_next(self, life: Life) -> None:
        found = []
        for _ in range(2):
            await life.ask(body())
            found.append((await life.last_call()).estimated_output)
        assert found == [256, 34 * 6 // 5]

    async def test_what_is_left_of_a_rate_is_told_anew(self, life: Life) -> None:
        left = [int((await life.ask()).headers["x-ratelimit-remaining-requests"]) for _ in range(3)]
        assert left == [left[0], left[0] - 1, left[0] - 2]
        await life.wait(MINUTE_MS)
        again = await life.ask()
        assert int(again.headers["x-ratelimit-remaining-requests"]) == left[0]

    async def test_drain_refuses_the_next_request(self, life: Life) -> None:
        await taken(life)
        life.gateway.drain()
        assert (await life.ask()).status_code == 503
        call = await life.last_call()
        assert (call.cause, call.project, call.key_id) == (Cause.DRAINING, "analytics", "k_prod")

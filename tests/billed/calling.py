"""A crowd of clients that makes the generated calls, and the gateway that they call."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

import aiohttp
import orjson

from tests.billed.asks import SHAPES, Asked, drawn
from tests.billed.ledger import Compared, compared
from tests.processes import Gateway, SimUpstream, start_upstream, wait_until

SERVED: Final = tuple(SHAPES)
"""The forms that the gateway serves, and the ways between two of them."""
GO_ON_FROM: Final = 500
"""Of so many responses others go on."""
CLIENTS: Final = 16
PAGE: Final = 1_000
ANTHROPIC: Final = {"anthropic-version": "2026-10-21"}

_LIMITS: Final = "rpm = 100_000_000\ntpm = 1_000_000_000_000"
_GPT_SIM: Final = f"""
[targets."NAME"]
{_LIMITS}
input_usd = "1.25"
cached_input_usd = "0.125"
cache_write_usd = "1.5625"
cache_write_1h_usd = "1.5625"
output_usd = "10"
search_usd = "10"
tiers.priority.times = "2"
tiers.flex.times = "0.5"
[[targets."NAME".long]]
above = 4000
input_usd = "2.50"
cached_input_usd = "0.25"
cache_write_usd = "3.125"
cache_write_1h_usd = "3.125"
output_usd = "15"
"""
CONFIG: Final = f"""
[upstreams.openai]
base_url = "BASE"
key = {{ env = "TEST_UPSTREAM_KEY" }}
provider = "openai"
[upstreams.anthropic]
base_url = "BASE"
key = {{ env = "TEST_UPSTREAM_KEY" }}
provider = "anthropic"
[upstreams.compat]
base_url = "BASE"
key = {{ env = "TEST_UPSTREAM_KEY" }}
provider = "openai"
speaks = ["chat"]
{_GPT_SIM.replace("NAME", "openai/gpt-sim")}
{_GPT_SIM.replace("NAME", "compat/gpt-sim")}

[targets."anthropic/claude-sim"]
{_LIMITS}
input_usd = "3"
cached_input_usd = "0.30"
cache_write_usd = "3.75"
cache_write_1h_usd = "6"
output_usd = "15"
search_usd = "10"
tiers.priority.times = "1.2"
tiers.fast.times = "6"
tiers.us.times = "1.1"

[targets."openai/embed-sim"]
{_LIMITS}
input_usd = "0.02"
output_usd = "0.00"
[targets."anthropic/claude-opus-4.7"]
{_LIMITS}
input_usd = "15"
output_usd = "15"
cache_write_usd = "15"
cache_write_1h_usd = "15"
tiers.priority.times = "1"
tiers.fast.times = "1"
tiers.us.times = "1"
[targets."openai/deepseek-v3.2"]
{_LIMITS}
price_usd = "0.42"
tiers.priority.times = "1"
tiers.flex.times = "1"
[targets."openai/gpt-4.1"]
{_LIMITS}
price_usd = "8"
tiers.priority.times = "1"
tiers.flex.times = "1"

[routes."gpt-sim"]
targets = ["openai/gpt-sim"]
[routes."claude-sim"]
targets = ["anthropic/claude-sim"]
[routes."embed-sim"]
targets = ["openai/embed-sim"]
[routes."claude-opus-4.7"]
targets = ["anthropic/claude-opus-4.7"]
[routes."deepseek-v3.2"]
targets = ["openai/deepseek-v3.2"]
[routes."gpt-4.1"]
targets = ["openai/gpt-4.1"]
[routes."gpt-by-chat"]
targets = ["compat/gpt-sim"]
[routes."either"]
targets = ["openai/gpt-4.1", "openai/deepseek-v3.2"]
[projects.billed.allow]
unbounded = ["web_search", "context_management", "stored_context", "advisor_20260301"]
reserve_usd = "1"
fields = {{ service_tier = ["*"], speed = ["*"], inference_geo = ["*"] }}
"""
"""The simulated upstream's prices, written by hand from its lists."""


class BilledGateway(Gateway):
    """A gateway over the simulated upstream in all of its forms."""

    def write_config(self, listen: str = "127.0.0.1:0") -> None:
        own = f'[gateway]\nname = "test"\nlisten = "{listen}"\nsocket = "{self.socket}"\n'
        tables = CONFIG.replace("BASE", self.upstream.base_url)
        self.config.write_text(f'{own}state = "{self.state}"\n{tables}')


@contextmanager
def billed(directory: Path) -> Iterator[BilledGateway]:
    """A gateway and its upstream, both ended at the end."""
    upstream = start_upstream(directory)
    gateway = BilledGateway(directory, upstream, "")
    try:
        gateway.start()
        yield gateway
    finally:
        if gateway.process.poll() is None:
            gateway.kill()
        upstream.stop()


async def called(
    gateway: Gateway, key: str, seed: int, calls: int, forms: tuple[str, ...]
) -> dict[str, Asked]:
    """Make so many generated calls; each by the request id that it was answered with."""
    rng, asked = Random(seed), dict[str, Asked]()
    waiting = iter([drawn(rng, forms) for _ in range(calls)])
    headers = {"authorization": f"Bearer {key}"}
    root = gateway.base_url.removesuffix("/v1")
    made: list[str] = []
    switch = itertools.count(1)

    async def client(session: aiohttp.ClientSession) -> None:
        for ask in waiting:
            if next(switch) == calls // 2:
                await asyncio.to_thread(serve_from_the_other_target, gateway)
            if ask.goes_on and made:
                ask.body["previous_response_id"] = rng.choice(made)
            more = ANTHROPIC if "/messages" in ask.path else {}
            async with session.post(root + ask.path, json=ask.body, headers=more) as answer:
                asked[answer.headers["x-request-id"]] = ask
                if ask.leaves_after is not None:
                    await answer.content.read(ask.leaves_after)
                    answer.close()
                    continue
                try:
                    said = await answer.read()
                    if ask.body.get("store") and len(made) < GO_ON_FROM:
                        made.extend(_id_in(said))
                except aiohttp.ClientError:
                    assert ask.fault, ask

    async with aiohttp.ClientSession(headers=headers) as session:
        await asyncio.gather(*(client(session) for _ in range(CLIENTS)))
    return asked


def _id_in(said: bytes) -> list[str]:
    """The id of a response that was answered whole, and not as a stream."""
    try:
        response = orjson.loads(said)
    except ValueError:
        return []
    kept = response.get("status") in ("completed", "incomplete")
    return [response["id"]] if kept and response.get("store") else []


def serve_from_the_other_target(gateway: Gateway) -> None:
    """As an operator would, in the middle of it all."""
    answer = gateway.command(
        "fallback", "model:either", field="target", value="openai/deepseek-v3.2", for_ms=86_400_000
    )
    assert answer["applied"], answer


def ledger_of(gateway: Gateway, calls: int) -> list[dict[str, Any]]:
    """All rows of the ledger, once there are so many and none is open."""
    wait_until(lambda: not any(row.flow.in_flight for row in gateway.snapshot().projects))
    rows: list[dict[str, Any]] = []
    after: dict[str, str] = {}

    def all_there() -> bool:
        with gateway.admin() as admin:
            while True:
                page = admin.get("/calls", params={"limit": PAGE, **after}).json()
                rows.extend(page["rows"])
                after["after"] = page["next_cursor"]
                if not page["rows"]:
                    return len(rows) >= calls

    wait_until(all_there)
    return rows


def reconciled(
    gateway: Gateway, upstream: SimUpstream, seed: int, calls: int, forms: tuple[str, ...]
) -> Compared:
    """Make the calls, and hold the ledger against the bill."""
    asked = asyncio.run(called(gateway, gateway.add_key("billed"), seed, calls, forms))
    rows = ledger_of(gateway, len(asked))
    return compared(asked, rows, upstream.calls)

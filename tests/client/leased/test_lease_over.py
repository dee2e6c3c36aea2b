"""Calls of SDKs that name a lease: where it is over, and what becomes of the name on their way."""

import asyncio
from typing import Any

import httpx
import httpx2
import pytest
from openai import AsyncOpenAI, OpenAI, PermissionDeniedError

from quotadeck.client import Backoff, QuotaManager, SyncQuotaManager
from quotadeck.client.leased.core import LeasedCore
from tests.client.help.door import Given, door
from tests.processes import Gateway, wait_until

from .test_agent import KEY, leases
from .test_odd_gateways import LEASE
from .worker import BODY

HELLO: Any = BODY["messages"]
REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4.1",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
}


class Held(httpx2.AsyncHTTPTransport):
    """Holds requests back, and lets them go one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.there, self.let = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.there.release()
        async with self.let:
            return await super().handle_async_request(request)


async def test_a_lease_that_ends_under_many_calls_is_replaced_by_one(gateway: Gateway) -> None:
    key, held = gateway.add_key("over"), Held()
    manager = QuotaManager(gateway=gateway.base_url, key=key)
    async with AsyncOpenAI(
        base_url=gateway.base_url,
        api_key=key,
        max_retries=0,
        http_client=manager.http_client("over", transport=held),
    ) as client:
        (await manager.acquire("over", 10)).release()
        calls = [
            asyncio.create_task(
                client.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=5)
            )
            for _ in range(8)
        ]
        for _ in calls:
            await held.there.acquire()
        (lease,) = leases(gateway, "over")
        assert gateway.command("end_lease", f"lease:{lease['id']}")["applied"]
        held.let.release()
        await asyncio.gather(*calls)
    assert len(leases(gateway, "over")) == 1, "each holds its part of the quota"
    await manager.aclose()
    assert leases(gateway, "over") == []


def test_a_gateway_that_never_knows_the_lease_ends_the_call_with_what_to_check(
    gateway: Gateway,
) -> None:
    """Here the SDK has another key than the manager."""
    manager = SyncQuotaManager(gateway=gateway.base_url, key=gateway.add_key("two-keys"))
    other = gateway.add_key("two-keys")
    backoff = Backoff(base_s=0.001, tries=3)
    with OpenAI(
        base_url=gateway.base_url,
        api_key=other,
        http_client=manager.http_client("two-keys", backoff=backoff),
    ) as client:
        with pytest.raises(PermissionDeniedError, match="3 times in a row") as refused:
            client.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=5)
        for says in ("the very key that the quota manager", "one gateway", "it is another's"):
            assert says in str(refused.value)
    manager.close()
    assert leases(gateway, "two-keys") == [], "also those that were found to be over go back"


def test_what_a_gateway_counts_under_another_name_of_its_is_not_told_again(
    gateway: Gateway,
) -> None:
    key = gateway.add_key("two-names")
    there = gateway.base_url.replace("127.0.0.1", "localhost")
    manager = SyncQuotaManager(gateway=gateway.base_url, key=key)
    with OpenAI(
        base_url=there, api_key=key, http_client=manager.http_client("two-names")
    ) as client:
        client.chat.completions.create(model="gpt-4.1", messages=HELLO, max_tokens=5)
        for _ in client.chat.completions.create(
            model="gpt-4.1", messages=HELLO, max_tokens=5, stream=True
        ):
            pass
    (seen,) = manager.usage_report().providers
    assert not seen.rooms, "what it tells is what is not leased"
    manager.close()
    calls = wait_until(lambda: len(found := gateway.calls(project="two-names")) >= 2 and found)
    assert [call["count"] for call in calls] == [1, 1]


def test_what_another_server_at_its_address_serves_is_told() -> None:
    with door(LEASE, Given(200, REPLY), *[Given(200, {})] * 3) as there:
        manager = SyncQuotaManager(gateway=there.url, key=KEY)
        with manager.http_client("a") as http:
            assert http.post(f"{there.url}/chat/completions", json=BODY).status_code == 200
        manager.close()
        paths = [f"{method} {path}" for method, path, _ in there.seen]
    assert "POST /v1/quota/used" in paths


@pytest.mark.parametrize(
    ("gateway_at", "called", "is_there"),
    [
        ("http://gate", "http://gate:80/v1/chat/completions", True),
        ("https://gate/v1", "https://gate/v1/chat/completions", True),
        ("https://gate/", "http://gate/v1/chat/completions", False),
        ("http://gate", "http://gate/openai/v1/chat/completions", False),
        ("http://gate/quotadeck", "http://gate/quotadeck/v1/messages", True),
        ("http://gate/quotadeck", "http://gate/quotadeck2/v1/messages", False),
        ("http://gate/quotadeck", "http://gate/v1/messages", False),
    ],
)
def test_a_gateways_own_paths_are_below_its_address(
    gateway_at: str, called: str, is_there: bool
) -> None:
    core = SyncQuotaManager(gateway=gateway_at, key=KEY)._core
    url = httpx2.URL(called)
    assert isinstance(core, LeasedCore)
    assert core.is_at(url.scheme, url.host, url.port, url.path) is is_there


@pytest.mark.parametrize("library", ["httpx2", "httpx"])
@pytest.mark.parametrize("threads", [True, False])
async def test_a_redirection_to_elsewhere_does_not_learn_of_the_lease(
    library: Any, threads: bool
) -> None:
    with door(Given(200, REPLY)) as elsewhere:
        to = {"location": f"{elsewhere.url}/chat/completions"}
        with door(LEASE, Given(307, {}, to), *[Given(200, {})] * 3) as there:
            manager = QuotaManager(gateway=there.url, key=KEY)
            at: Any = f"{there.url}/chat/completions"
            if threads:
                http: Any = manager.for_threads().http_client("a", library=library)
                assert isinstance(http, httpx.Client | httpx2.Client)
                await asyncio.to_thread(http.post, at, json=BODY)
            else:
                http = manager.http_client("a", library=library)
                await http.post(at, json=BODY)
            await manager.aclose()
    named = [head.get("x-quota-lease", "") for _, path, head in there.seen if "chat" in path]
    assert named[0].startswith("lease_1;")
    ((_, _, seen),) = elsewhere.seen
    assert not {"x-quota-lease", "x-project-id"} & set(seen)

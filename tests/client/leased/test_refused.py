"""What a leased manager says where nothing is served: a refused key, an end, a wrong address."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from openai import AsyncOpenAI, PermissionDeniedError

from quotadeck.client import (
    AcquireTimeout,
    Estimate,
    GatewayRefused,
    PriceUnknown,
    QuotaError,
    QuotaManager,
    RunEnded,
    SyncQuotaManager,
)
from quotadeck.clock import monotonic_ns
from tests.processes import Gateway, wait_until

from .worker import BODY

PATIENCE_S = 15.0
NOBODY = "http://127.0.0.1:1"
HELLO: Any = BODY["messages"]


async def test_an_sdk_is_told_that_no_wait_helps(gateway: Gateway) -> None:
    key = gateway.add_key("one")
    manager = QuotaManager(gateway=gateway.base_url, key=key)
    async with AsyncOpenAI(
        base_url=gateway.base_url, api_key=key, http_client=manager.http_client("oen")
    ) as client:
        with pytest.raises(PermissionDeniedError, match="does not serve the project 'oen'"):
            await client.chat.completions.create(model="gpt-4.1", messages=HELLO)
    with pytest.raises(GatewayRefused, match="does not serve the project 'oen'"):
        manager.check("oen")
    manager.close()


class _Later:
    """The machine's time, and as much more as a test has to wait."""

    boot, more_ns = "boot", 0

    def monotonic_ns(self) -> int:
        return monotonic_ns() + self.more_ns

    def wall_us(self) -> int:
        return time.time_ns() // 1_000


def test_a_key_that_was_refused_is_tried_again_a_while_later(gateway: Gateway) -> None:
    secret, clock = f"qd_{'5' * 40}", _Later()
    manager = SyncQuotaManager(gateway=gateway.base_url, key=secret, clock=clock)
    for _ in range(2):
        with pytest.raises(GatewayRefused):
            manager.acquire("one", 10, timeout=PATIENCE_S)
    gateway.add_key("one", secret=secret)
    clock.more_ns = 6_000_000_000
    manager.acquire("one", 10, timeout=PATIENCE_S).settle(10)
    manager.close()


def test_a_manager_that_was_closed_says_so_also_to_whom_it_lets_wait(gateway: Gateway) -> None:
    key = gateway.add_key("closed")
    manager = SyncQuotaManager(gateway=gateway.base_url, key=key)
    told: list[QuotaError] = []

    def waits() -> None:
        try:
            for _ in range(100):
                manager.acquire("closed", 10, timeout=PATIENCE_S).settle(10)
        except QuotaError as closed:
            told.append(closed)

    thread = threading.Thread(target=waits)
    thread.start()
    wait_until(lambda: manager.usage_report()["closed"].waiting)
    manager.close()
    thread.join(PATIENCE_S)
    with pytest.raises(QuotaError, match="was closed: make a new one"):
        manager.acquire("closed", 10, timeout=PATIENCE_S)
    assert [str(one) for one in told] == ["this quota manager was closed: make a new one"]


def test_a_runs_budget_binds_by_prices_or_not_at_all(gateway: Gateway) -> None:
    key = gateway.add_key("one")
    estimate = Estimate(1_000, 1_000, model="gpt-4.1")
    manager = SyncQuotaManager(gateway=gateway.base_url, key=key)
    with (
        manager.run("import", budget="0.03") as run,
        pytest.raises(PriceUnknown, match="model gpt"),
    ):
        run.acquire("one", estimate)
    with manager.run("import", requests=1) as run:
        run.acquire("one", estimate, timeout=PATIENCE_S).settle(10)
    manager.close()
    manager = SyncQuotaManager(gateway=gateway.base_url, key=key, prices={"gpt-4.1": "10.00"})
    with manager.run("import", budget="0.03") as run:
        run.acquire("one", estimate, timeout=PATIENCE_S).settle(1_000, 1_000)
        with pytest.raises(RunEnded, match=r"its budget has 0\.01 USD left"):
            run.acquire("one", estimate, timeout=PATIENCE_S)
    manager.close()


@pytest.fixture
def another(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server that is no gateway."""
    status, body = request.param

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    "another",
    [(404, b'{"error":{"code":"not_found"}}'), (200, b'{"ok":true}'), (200, b"<html>"), (405, b"")],
    indirect=True,
)
def test_an_address_where_another_answers_says_so(another: str) -> None:
    manager = SyncQuotaManager(gateway=another, key="qd_" + "x" * 40)
    with pytest.raises(AcquireTimeout, match="no gateway of Quotadeck: status") as late:
        manager.acquire("one", 10, timeout=0.2)
    assert f"the gateway at {another} does not answer" in late.value.away
    manager.close()


def test_an_address_where_nobody_answers_says_so() -> None:
    manager = SyncQuotaManager(gateway=NOBODY, key="qd_" + "x" * 40)
    with pytest.raises(AcquireTimeout, match=f"{NOBODY} does not answer .*refused"):
        manager.acquire("one", 10, timeout=0.2)
    assert f"{NOBODY} does not answer (" in str(manager.usage_report())
    manager.close()


@pytest.mark.parametrize("address", ["127.0.0.1:8080", "ftp://x", "http://"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="gateway= is an address"):
        SyncQuotaManager(gateway=address, key="qd_" + "x" * 40)

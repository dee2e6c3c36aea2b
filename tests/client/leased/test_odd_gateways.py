"""A manager before what is no gateway, or answers oddly: it says so, and goes on trying."""

import logging
from typing import Any

import pytest

from quotadeck.client import AcquireTimeout, SyncQuotaManager
from tests.client.help.door import Given, door

KEY = "qd_" + "x" * 40
LEASE = Given(
    200,
    {
        "id": "lease_1",
        "granted": {"requests": 5, "tokens": None, "nano_usd": None},
        "held": {"requests": 5, "tokens": None, "nano_usd": None},
        "expires_in_ms": 60_000,
        "quota": {
            "limits": {
                "rpm": {"limit_requests_per_minute": 60, "left_requests": 5, "shadow": False},
                "tpm": {"limit_tokens_per_minute": 10, "left_tokens": 10, "shadow": True},
            }
        },
    },
)
LONG_S = 20.0


def managing(gateway: str) -> SyncQuotaManager:
    return SyncQuotaManager(gateway=gateway, key=KEY)


@pytest.mark.parametrize(
    "odd",
    [
        Given(200, {"ok": True}),
        Given(200, ["lease_1"]),
        Given(200, {**LEASE.body, "granted": None}),
        Given(200, {**LEASE.body, "quota": {"limits": {"rpm": {}}}}),
        Given(200, "<html>Welcome</html>"),
        Given(404, "<html>Nothing here</html>"),
        Given(503, {"error": {"message": "it ends"}}),
    ],
    ids=lambda odd: f"{odd.status} {str(odd.body)[:20]}",
)
def test_what_answers_as_no_gateway_does_is_said_and_asked_again(
    odd: Given, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "quotadeck.client")
    with door(*[odd] * 50) as there:
        manager = managing(there.url)
        with pytest.raises(AcquireTimeout, match=r"does not answer \(") as late:
            manager.acquire("a", 10, timeout=0.3)
        assert "more were needed" not in str(late.value), "nobody knows when"
        assert "does not answer (" in str(manager.usage_report())
        assert len(there.seen) < 5, "it is not hammered"
        there.answers[:] = [LEASE, Given(200, {}), Given(200, {})]
        manager.acquire("a", 10, timeout=LONG_S).settle(10)
        manager.close()
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert told[0].startswith(f"the gateway at {there.url} does not answer (")
    assert told[1].endswith("answers again")


@pytest.mark.parametrize("body", [{"error": "busy"}, {"error": {"limit": 7}}, {}])
def test_a_refusal_without_words_is_waited_for(body: Any) -> None:
    with door(Given(429, body), LEASE, *[Given(200, {})] * 5) as there:
        manager = managing(there.url)
        manager.acquire("a", 10, timeout=LONG_S).settle(10)
        manager.close()


@pytest.mark.parametrize("name", ["夜間", "two\nlines"])
def test_a_project_that_no_gateway_can_have_is_refused(name: str) -> None:
    manager = managing("http://127.0.0.1:9")
    with pytest.raises(ValueError, match="visible ASCII"):
        manager.acquire(name, 10)


def test_what_could_not_be_told_at_the_end_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "quotadeck.client")
    with door(LEASE) as there:
        manager = managing(there.url)
        reservations = [manager.acquire("a", 10, timeout=LONG_S) for _ in range(2)]
    for reservation in reservations:
        reservation.settle(10)
    manager.close()
    assert "what 2 calls of a used elsewhere is not on the gateway's record" in caplog.text

"""Each provider, key and model has limits of its own, and those that were asked last are kept."""

import json
from typing import Any

import httpx2
import pytest

from quotadeck.client import SyncQuotaManager
from quotadeck.client.providers import PROVIDERS_KEPT, Place, Providers
from quotadeck.client.transport.provider import Provider

URL = "https://api.example.com/v1/chat/completions"
REPLY = {
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 1},
}


class _Limited(httpx2.BaseTransport):
    """It tells of each call that so much is left of 100 a minute, by its key and model."""

    def __init__(self, left: dict[tuple[str, str], int]) -> None:
        self._left = left

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        key, model = request.headers["x-api-key"], json.loads(request.read())["model"]
        headers = {
            "x-ratelimit-limit-requests": "100",
            "x-ratelimit-remaining-requests": str(self._left.get((key, model), 90)),
            "x-ratelimit-reset-requests": "30s",
        }
        return httpx2.Response(200, headers=headers, json=REPLY)


def call(http: Any, key: str, model: str, url: str = URL) -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "x"}]}
    return int(http.post(url, headers={"x-api-key": key}, json=body).status_code)


def names(manager: SyncQuotaManager) -> list[str]:
    return [one.name for one in manager.usage_report().providers]


def test_a_key_has_its_number_in_whichever_order_models_are_asked() -> None:
    manager = SyncQuotaManager(None, None, None)
    spent = _Limited({("one", "b"): 0, ("two", "b"): 90})
    with manager.http_client("analytics", transport=spent, patience=0) as http:
        for key, model in (("one", "a"), ("two", "a"), ("one", "b"), ("two", "b")):
            assert call(http, key, model) == 200
        assert call(http, "one", "b") == 429
        assert call(http, "two", "b") == 200
    assert sorted(names(manager)) == [
        "api.example.com#2/a",
        "api.example.com#2/b",
        "api.example.com/a",
        "api.example.com/b",
    ]


def test_two_servers_at_one_host_are_two() -> None:
    manager = SyncQuotaManager(None, None, None)
    with manager.http_client("analytics", transport=_Limited({}), patience=0) as http:
        for port in (8001, 8002):
            call(http, "one", "m", f"http://127.0.0.1:{port}/v1/chat/completions")
    assert names(manager) == ["127.0.0.1:8001/m", "127.0.0.1:8002/m"]


def test_keys_that_change_with_every_call_leave_nothing_behind() -> None:
    manager = SyncQuotaManager(None, None, None)
    limiter = manager._core.limiter
    with manager.http_client("analytics", transport=_Limited({}), patience=0) as http:
        call(http, "mine", "m")
        own = len(limiter._buckets)
        for number in range(PROVIDERS_KEPT * 3):
            call(http, f"signed {number}", "m")
            if number % 20 == 0:
                call(http, "mine", "m")
    told = names(manager)
    assert len(told) == len(set(told)) <= PROVIDERS_KEPT
    assert "api.example.com/m" in told, "it is asked again and again"
    assert len(limiter._buckets) <= own + PROVIDERS_KEPT
    assert len(limiter._touched) <= own + PROVIDERS_KEPT
    assert not limiter._live


class _Known:
    def __init__(self) -> None:
        self.core = SyncQuotaManager(None, None, None)._core
        self.providers: Providers[Provider] = self.core.providers

    def begin(self, host: str, model: str, key: int) -> Provider:
        return self.providers.begin(Place(host, model, key), lambda name: Provider(name, self.core))

    def call(self, host: str, model: str, key: int) -> str:
        provider = self.begin(host, model, key)
        self.providers.end(provider)
        return provider.name


def test_one_that_is_being_asked_is_kept_however_many_come() -> None:
    known = _Known()
    slow = known.begin("a", "m", 1)
    for key in range(2, PROVIDERS_KEPT * 2):
        known.call("a", "m", key)
    assert known.begin("a", "m", 1) is slow


def test_no_other_key_gets_the_number_of_one_that_was_forgotten() -> None:
    known = _Known()
    given = [known.call("a", "m", key) for key in range(PROVIDERS_KEPT * 2)]
    again = [known.call("a", "m", key) for key in range(PROVIDERS_KEPT)]
    assert len(set(given + again)) == PROVIDERS_KEPT * 3


def test_a_key_keeps_its_number_as_long_as_one_of_its_models_is_known() -> None:
    known = _Known()
    known.call("a", "m", 1)
    assert known.call("a", "first", 2) == "a#2/first"
    for number in range(PROVIDERS_KEPT * 2):
        known.call("a", "m", number + 100)
        known.call("a", "first", 2)
    assert known.call("a", "second", 2) == "a#2/second"


@pytest.mark.parametrize(
    ("status", "trips"),
    [(200, "client.transport.course.limits_told"), (400, "dialects.openai.OpenAI.error")],
)
def test_an_answer_stays_one_where_we_trip_over_it(
    status: int, trips: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(f"quotadeck.{trips}", fault)
    manager = SyncQuotaManager(None, None, None)
    answer = httpx2.MockTransport(lambda _: httpx2.Response(status, json=REPLY))
    with manager.http_client("analytics", transport=answer, patience=0) as http:
        assert call(http, "one", "m") == status
    assert "failed; it passes" in caplog.text
    assert not manager._core.limiter._live

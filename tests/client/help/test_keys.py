"""What is wrong with a key is told apart, with what to do next and never with the key."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.client.help.keys import KeyCheck, KeyState, check_key, check_key_async
from tests.client.help.door import Given, door
from tests.sim.driver import MODEL, Upstream

KEY = "sk-0123456789abcdefghijklmnopqrstuv"
LISTED = Given(200, {"object": "list", "data": [{"id": "gpt-4.1"}, {"id": "o4"}]})


def error(status: int, code: str, words: str = "") -> Given:
    return Given(status, {"error": {"message": words, "type": code, "code": code}})


@pytest.mark.parametrize("key", [None, "", "  "])
def test_a_missing_key_is_asked_of_nobody(key: str | None) -> None:
    found = check_key(key, called="OPENAI_API_KEY")
    assert found.state is KeyState.MISSING
    assert not found.ok
    assert str(found).startswith("OPENAI_API_KEY is not set.")


@pytest.mark.parametrize("key", [KEY + "\n", f'"{KEY}"', f" {KEY}", KEY + "é", KEY + "\u200b"])
def test_a_key_copied_with_what_stood_beside_it_is_asked_of_nobody(key: str) -> None:
    assert check_key(key).state is KeyState.MALFORMED


def test_a_short_key_is_asked_of_nobody() -> None:
    found = check_key("your-api-key")
    assert found.state is KeyState.TOO_SHORT
    assert "has 12 characters, and a key has 32" in str(found)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (LISTED, KeyState.GOOD),
        (error(401, "invalid_api_key", f"Incorrect API key provided: {KEY}"), KeyState.REFUSED),
        (error(403, "permission_error"), KeyState.REFUSED),
        (error(402, "insufficient_balance"), KeyState.NO_MONEY),
        (error(429, "insufficient_quota"), KeyState.NO_MONEY),
        (error(429, "rate_limit_exceeded"), KeyState.GOOD),
        (error(503, "server_error"), KeyState.UNREACHABLE),
        (error(404, "unknown_url"), KeyState.UNCLEAR),
        (Given(200, "<html>Welcome</html>"), KeyState.UNCLEAR),
        (Given(200, {"data": "none"}), KeyState.UNCLEAR),
        (Given(302, "", {"Location": "http://127.0.0.1:1/elsewhere"}), KeyState.UNCLEAR),
    ],
)
def test_each_answer_is_told_apart(answer: Given, state: KeyState) -> None:
    with door(answer) as provider:
        found = check_key(KEY, provider.url)
        (seen,) = provider.seen
    assert found.state is state
    assert KEY not in f"{found} {found!r}"
    assert seen[:2] == ("GET", "/v1/models")
    assert seen[2]["authorization"] == f"Bearer {KEY}"
    assert (found.models == ("gpt-4.1", "o4")) == (answer is LISTED)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Given(200, {"choices": []}), KeyState.GOOD),
        (error(400, "unsupported_parameter"), KeyState.GOOD),
        (error(429, "insufficient_quota"), KeyState.NO_MONEY),
        (error(429, "rate_limit_exceeded"), KeyState.GOOD),
        (error(403, "permission_error"), KeyState.REFUSED),
        (error(500, "server_error"), KeyState.UNREACHABLE),
    ],
)
@pytest.mark.parametrize(
    ("form", "path"), [("openai", "/v1/chat/completions"), ("anthropic", "/v1/messages")]
)
def test_a_model_is_asked_for_one_token_to_see_the_money(
    form: Any, path: str, answer: Given, state: KeyState
) -> None:
    with door(LISTED, answer) as provider:
        base_url = provider.url if form == "openai" else provider.url.removesuffix("/v1")
        found = check_key(KEY, base_url, form=form, model="gpt-4.1")
        assert [one[:2] for one in provider.seen] == [("GET", "/v1/models"), ("POST", path)]
    assert found.state is state


@pytest.fixture
def closed_port() -> Iterator[int]:
    """One that nobody listens on: it is taken, and refuses."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def test_nobody_there_is_no_fault_of_the_key(closed_port: int) -> None:
    found = await check_key_async(KEY, f"http://name:word@127.0.0.1:{closed_port}/v1?a=b")
    assert found.state is KeyState.UNREACHABLE
    assert f"http://127.0.0.1:{closed_port}/v1 cannot be asked (Connection refused)" in str(found)


def test_silence_is_waited_for_only_so_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = check_key(KEY, f"http://127.0.0.1:{silent.getsockname()[1]}/v1", timeout_s=0.05)
    assert found.state is KeyState.UNREACHABLE
    assert found.why == "it does not answer in time"


@contextmanager
def stubborn(head: str, *, drips: bool = False, hangs: bool = False) -> Iterator[str]:
    """The address of one that begins an answer, and ends it never or too early."""
    left = threading.Event()

    def answer() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(f"HTTP/1.1 {head}\r\n\r\n{{".encode())
            while drips and not left.wait(0.005):
                connection.sendall(b" ")
            if hangs:
                left.wait()

    with socket.create_server(("127.0.0.1", 0)) as server:
        serving = threading.Thread(target=answer)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        finally:
            left.set()
            serving.join()


@pytest.mark.parametrize(
    ("head", "how", "state"),
    [
        ("401 No\r\ncontent-length: 100", "hangs", KeyState.REFUSED),
        ("401 No\r\ncontent-length: 999999", "drips", KeyState.REFUSED),
        ("401 No\r\ncontent-length: 100", "", KeyState.REFUSED),
        ("401 No\r\ntransfer-encoding: chunked", "", KeyState.REFUSED),
        ("200 OK\r\ncontent-length: 100", "hangs", KeyState.UNREACHABLE),
        ("200 OK\r\ncontent-length: 999999", "drips", KeyState.UNREACHABLE),
        ("200 OK\r\ncontent-length: 100", "", KeyState.UNREACHABLE),
        ("200 OK\r\ntransfer-encoding: chunked", "", KeyState.UNREACHABLE),
    ],
)
def test_an_answer_that_does_not_end_is_no_error_of_the_check(
    head: str, how: str, state: KeyState
) -> None:
    with stubborn(head, drips=how == "drips", hangs=how == "hangs") as url:
        assert check_key(KEY, url, timeout_s=0.1).state is state


@pytest.mark.parametrize(
    "base_url", ["ftp://a/v1", "file:///etc/passwd", "localhost:8000/v1", "http://"]
)
def test_what_is_no_address_is_not_asked(base_url: str) -> None:
    assert check_key(KEY, base_url).state is KeyState.UNREACHABLE


def test_the_simulated_provider_proves_the_connection(upstream: Upstream) -> None:
    found = check_key(KEY, upstream.base_url, called="UPSTREAM_KEY", model=MODEL)
    assert found.ok
    assert MODEL in found.models
    assert str(found).startswith(f"UPSTREAM_KEY is good: {upstream.base_url} takes it and lists")
    assert check_key(KEY, upstream.root, form="anthropic", model=MODEL).ok


@given(st.text("abcdefghij0123456789-_", min_size=1, max_size=80), st.sampled_from(KeyState))
def test_no_check_shows_the_key(key: str, state: KeyState) -> None:
    found = check_key(key, "http://", called="K")
    assert key not in repr(found) or len(key) < 12
    told = KeyCheck(state, "K", "http://a/v1", "why", models=("m",))
    assert str(told).endswith(".")
    assert "{" not in str(told)

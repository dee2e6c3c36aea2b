"""What upstreams were seen to answer, played to the official SDK through a real gateway.

The client must get what it would get of the upstream itself, or an error with the upstream's
words; and the ledger must hold what the upstream would bill.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import openai
import pytest
from openai import OpenAI

from tests.e2e.exchanges.case import Case, Fails, Used, Whole
from tests.e2e.exchanges.chat_errors import FIRST, MIDDLE, STATUSES, STREAM_OPTIONS
from tests.e2e.exchanges.chat_framing import FRAMING, TURNED
from tests.e2e.exchanges.chat_usage import PLACED, STATED
from tests.e2e.exchanges.player import PlayedGateway, playing

GROUPS: Final = {
    "framing": FRAMING,
    "turned": TURNED,
    "stated": STATED,
    "placed": PLACED,
    "first": FIRST,
    "middle": MIDDLE,
    "statuses": STATUSES,
    "stream options": STREAM_OPTIONS,
}
CASES: Final = tuple(case for group in GROUPS.values() for case in group)


@dataclass
class Seen:
    """What the client got, its choices one after the other."""

    texts: dict[int, str] = field(default_factory=dict)
    calls: str = ""
    raw: bytes = b""
    words: str = ""
    kind: str = ""
    status: int = 0
    """Where it came as an error's; 0: in the middle of a stream."""
    request_id: str = ""
    crashed: str = ""

    def says(self, text: str | None, index: int) -> None:
        self.texts[index] = self.texts.get(index, "") + (text or "")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedGateway]:
    with playing(tmp_path_factory.mktemp("played"), CASES) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def client(played: PlayedGateway) -> Iterator[OpenAI]:
    key = played.add_key("played")
    with OpenAI(base_url=played.base_url, api_key=key, max_retries=0) as client:
        yield client


def seen_by(client: OpenAI, case: Case) -> Seen:
    """Ask for it, as a client would."""
    seen = Seen()
    asks = client.chat.completions.with_raw_response
    asked = {"model": case.id, "messages": [{"role": "user", "content": "Say hello"}]}
    try:
        raw = asks.create(**asked, max_tokens=2_000, stream=case.stream)  # type: ignore[call-overload]
        seen.request_id = raw.headers["x-request-id"]
        _read(raw, seen, stream=case.stream)
    except openai.APIStatusError as error:
        seen.words, seen.kind, seen.status = str(error), error.type or "", error.status_code
        seen.request_id = error.response.headers["x-request-id"]
    except openai.APIError as error:
        seen.words, seen.kind = str(error), error.type or ""
    except (AttributeError, TypeError, ValueError) as error:  # the SDK could not make sense of it
        seen.crashed = repr(error)
    return seen


def _read(raw: object, seen: Seen, *, stream: bool) -> None:
    parsed = raw.parse()  # type: ignore[attr-defined]
    if not stream:
        seen.raw = raw.content  # type: ignore[attr-defined]
        for choice in parsed.choices:
            seen.says(choice.message.content, choice.index)
            for call in choice.message.tool_calls or ():
                seen.calls += call.function.arguments
        return
    for chunk in parsed:
        for choice in chunk.choices:
            seen.says(choice.delta.content, choice.index)
            for call in choice.delta.tool_calls or ():
                seen.calls += (call.function.arguments if call.function else "") or ""


def holds(right: Whole | Fails, seen: Seen, call: dict[str, Any]) -> None:
    """What the client saw and what the ledger holds are right."""
    if seen.request_id:
        assert call["id"] == seen.request_id
    assert not seen.crashed
    if isinstance(right, Fails):
        assert right.words in seen.words
        assert (seen.status, seen.kind[: len(right.kind)]) == (right.status, right.kind)
        assert bool(seen.words)
        assert not right.outcome or call["outcome"] == right.outcome
        if seen.status == 429:
            assert seen.kind != "invalid_request_error"
        return
    assert not seen.words
    assert "".join(seen.texts[index] for index in sorted(seen.texts)) == right.says
    assert len(seen.texts) == right.choices
    assert seen.calls == right.calls
    assert right.holds in seen.raw
    assert call["outcome"] == "ok"
    if right.used is None:
        assert call["usage_is_estimate"]
        assert 0 < int(str(call["cost_nano_usd"])) <= int(str(call["held_nano_usd"]))
        return
    assert not call["usage_is_estimate"]
    names = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "web_searches")
    booked = Used(*(call[name] for name in (*names, "tier", "stated_nano")))
    assert call["cost_nano_usd"] == right.used.cost_nano
    assert booked == right.used


@pytest.mark.parametrize("kind", GROUPS)
def test_the_client_and_the_ledger_have_what_is_right(
    played: PlayedGateway, client: OpenAI, kind: str
) -> None:
    seen = {case: seen_by(client, case) for case in GROUPS[kind]}
    calls = played.calls_of(GROUPS[kind])
    wrong = {}
    for case in GROUPS[kind]:
        try:
            holds(case.right, seen[case], calls[case.id])
        except AssertionError as fault:
            wrong[case.id] = f"{fault}"[:400]
    assert wrong == {}

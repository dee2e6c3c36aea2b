"""What a request asks for beyond its own bytes is seen, wherever it stands, and named."""

import json
import timeit
from typing import Any

import orjson
import pytest

from quotadeck.dialects.base import NOTHING_BEYOND, Beyond
from quotadeck.dialects.beyond import MOST_BEYOND, kind_of_unbounded
from quotadeck.dialects.openai import COMPLETIONS, EMBEDDINGS, OPENAI
from quotadeck.dialects.responses import RESPONSES
from quotadeck.domain.refusals import BadField

FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"file_id": "no id"}}}


def asked(**more: Any) -> Beyond:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}
    return OPENAI.parse("/v1/chat/completions", json.dumps(body).encode(), {}).beyond


def with_part(**part: Any) -> Beyond:
    return asked(messages=[{"role": "user", "content": [{"type": "text", "text": "a"}, part]}])


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tools": [FUNCTION, {"type": "custom", "custom": {"name": "c"}}], "temperature": 0.5},
        {"topP": 1, "X": 2},
        {"background": False, "models": [], "provider": None, "web_search_options": None},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "file_id"}]}]},
    ],
)
def test_most_ask_for_nothing_and_are_told_by_identity(more: dict[str, Any]) -> None:
    assert asked(**more) is NOTHING_BEYOND


@pytest.mark.parametrize(
    ("more", "unbounded"),
    [
        ({"background": True}, "background"),
        ({"web_search_options": {"search_context_size": "low"}}, "web_search_options (web_search)"),
        ({"search_parameters": {"mode": "on"}}, "search_parameters (web_search)"),
        ({"plugins": [{"id": "web"}]}, "plugins"),
        ({"tools": [FUNCTION, {"type": "web_search_preview"}]}, "tools[1] (web_search)"),
        ({"tools": [{"type": "mcp", "server_url": "https://x"}]}, "tools[0] (mcp)"),
        ({"tools": [{"google_search": {}}]}, "tools[0] (google_search)"),
        ({"tools": [{"type": ["function"]}]}, "tools[0] (tool)"),
        ({"tools": {"type": "web_search"}}, "tools[0] (web_search)"),
        ({"mcp_servers": [{"url": "https://x"}]}, "mcp_servers (mcp)"),
    ],
)
def test_what_bytes_do_not_bound_is_named(more: dict[str, Any], unbounded: str) -> None:
    found = asked(**more)
    assert found.unbounded == (unbounded,)
    assert kind_of_unbounded(unbounded) in unbounded


@pytest.mark.parametrize(
    ("more", "chooses"),
    [
        ({"service_tier": "priority"}, (("service_tier", "priority"),)),
        ({"models": ["a", "b", "a"]}, (("models", "a"), ("models", "b"))),
        ({"fallbacks": [{"model": "c", "max_tokens": 9}]}, (("fallbacks", "c"),)),
        ({"MAX_TOKENS": 9}, (("MAX_TOKENS", "9"),)),
        ({"Previous_Response_ID": "resp_1"}, (("Previous_Response_ID", "resp_1"),)),
        ({"route": "fallback"}, (("route", "fallback"),)),
        ({"provider": {"order": ["x"]}}, (("provider", '{"order":["x"]}'),)),
        ({"api_base": "https://elsewhere"}, (("api_base", "https://elsewhere"),)),
        ({"provider": {"n": 1 << 70}}, (("provider", "{'n': 1180591620717411303424}"),)),
    ],
)
def test_what_chooses_is_named_with_its_value(
    more: dict[str, Any], chooses: tuple[tuple[str, str], ...]
) -> None:
    assert asked(**more).chooses == chooses


def test_files_are_found_in_every_part_and_are_unbounded() -> None:
    found = with_part(type="file", file={"file_id": "file-1"})
    assert found.refers == (("file", "file-1"),)
    assert found.unbounded == ("messages[0].content[1].file (file)",)
    flat = with_part(type="input_file", file_id="file-2")
    assert (flat.refers, flat.unbounded) == (
        (("file", "file-2"),),
        ("messages[0].content[1] (file)",),
    )
    remote = with_part(type="document_url", document_url={"url": "https://x/book.pdf"})
    assert remote.unbounded == ("messages[0].content[1] (remote_file)",)
    assert with_part(type="image_url", image_url={"url": "https://x/a.png"}) is NOTHING_BEYOND
    own = with_part(type="file", file={"file_data": "data:application/pdf;base64,AAAA"})
    assert own is NOTHING_BEYOND


def test_what_was_made_before_is_told_with_its_kind() -> None:
    tool = {"type": "file_search", "vector_store_ids": ["vs_1", "vs_2"]}
    found = asked(tools=[tool], previous_response_id="resp_1", conversation={"id": "conv_1"})
    assert set(found.refers) == {
        ("response", "resp_1"),
        ("conversation", "conv_1"),
        ("vector_store", "vs_1"),
        ("vector_store", "vs_2"),
    }
    assert asked(conversation="conv_2").refers == (("conversation", "conv_2"),)


def test_every_form_of_the_dialect_looks() -> None:
    for form, path, name in (
        (COMPLETIONS, "/v1/completions", "prompt"),
        (EMBEDDINGS, "/v1/embeddings", "input"),
    ):
        fields = {"model": "m", name: "hi"}
        assert form.parse(path, orjson.dumps(fields), {}).beyond is NOTHING_BEYOND
        more = orjson.dumps({**fields, "provider": {"only": ["x"]}})
        assert form.parse(path, more, {}).beyond.chooses == (("provider", '{"only":["x"]}'),)


def files(most: int) -> dict[str, Any]:
    deep: Any = "file-1"
    for _ in range(200):
        deep = {"file": deep}
    wide = [{"type": "file", "file": {"file_id": f"file-{n}"}} for n in range(most)]
    return {"messages": [{"role": "user", "content": [{"type": "file", "file": deep}, *wide]}]}


def test_all_that_is_asked_for_is_named_or_it_is_too_much() -> None:
    found = asked(**files(MOST_BEYOND))
    assert (len(found.refers), len(found.unbounded)) == (MOST_BEYOND, MOST_BEYOND)
    too_much: tuple[dict[str, Any], ...] = (
        files(MOST_BEYOND + 1),
        {"tools": [{}] * 100_000},
        {"models": ["a"] * 100_000},
        {"tools": [{"type": "file_search", "vector_store_ids": ["a"] * 2_000}]},
        {"MODELS": ["a"] * 100_000},
        {"previous_response_id": ["a"] * 2_000},
    )
    for more in too_much:
        with pytest.raises(BadField, match="more than 1,024"):
            asked(**more)


def test_items_with_tools_of_their_own_are_many_at_most() -> None:
    def parsed(most: int) -> Beyond:
        items = [{"role": "user", "content": "", "tools": [{"type": "mcp"}]}] * most
        body = orjson.dumps({"model": "m", "input": items})
        return RESPONSES.parse("/v1/responses", body, {}).beyond

    assert len(parsed(MOST_BEYOND).unbounded) == MOST_BEYOND
    with pytest.raises(BadField):
        parsed(50_000)


if __name__ == "__main__":  # what it costs a plain request, in microseconds
    from quotadeck.dialects.openai.beyond import beyond_chat

    plain = {"model": "m", "messages": [], "stream": True, "max_tokens": 5, "temperature": 1}
    print(timeit.timeit(lambda: beyond_chat(plain, 0), number=1_000_000), "us")

"""A request of Anthropic's dialect: checked, sized, and forwarded as it came."""

from typing import Any

import orjson
import pytest

from quotadeck.dialects.base import NOTHING_BEYOND, Ask
from quotadeck.dialects.messages import COUNT_TOKENS, MESSAGES
from quotadeck.domain.refusals import BadField, BadHeader

HELLO: list[dict[str, Any]] = [{"role": "user", "content": "hi"}]
PLAIN: dict[str, Any] = {"model": "opus", "max_tokens": 9, "messages": HELLO}
PATH = "/v1/messages"


def asked(headers: dict[bytes, bytes] | None = None, **more: Any) -> Ask:
    return MESSAGES.parse(PATH, orjson.dumps({**PLAIN, **more}), headers or {})


def holding(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [*blocks]}]


def test_the_clients_bytes_are_forwarded_with_another_model() -> None:
    raw = (
        b'{ "max_tokens" : 9, "thinking":{"type":"adaptive"},\n "messages": [{"content": '
        b'"caf\\u00e9","role":"user"}], "x": 1.0e3, "model" :"opus", "n": 18446744073709551616123}'
    )
    sent = MESSAGES.forward(MESSAGES.parse(PATH, raw, {}), "claude-opus-4-7")
    assert sent == raw.replace(b'"opus"', b'"claude-opus-4-7"')


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"model": 5}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [*HELLO, {"content": "hi"}]}, "messages[1].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": {"type": "text"}}]}, "messages[0].content"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_wrong_fields_are_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadField) as wrong:
        asked(**change)
    assert wrong.value.field == field


def test_a_request_without_an_answer_fills_the_caches() -> None:
    assert asked(max_tokens=0).max_tokens == 0


@pytest.mark.parametrize("role", ["user", "assistant", "system", "tool"])
def test_roles_are_the_upstreams_to_judge(role: str) -> None:
    assert asked(messages=[{"role": role, "content": "hi"}]).media == 0


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "source": {"type": "base64", "data": "A" * 90_000}},
        {"type": "document", "source": {"type": "base64", "data": "A" * 90_000}},
        {
            "type": "tool_result",
            "tool_use_id": "t",
            "content": [{"type": "image", "source": {"type": "base64", "data": "A" * 90_000}}],
        },
    ],
)
def test_media_are_not_taken_for_text(block: dict[str, Any]) -> None:
    ask = asked(messages=holding(block))
    assert ask.media == 1
    assert ask.text_bytes < 1_000
    assert ask.beyond is NOTHING_BEYOND


def test_a_tool_that_the_provider_describes_is_longer_than_its_name() -> None:
    described = asked(tools=[{"name": "f", "input_schema": {"type": "object"}}])
    named = asked(tools=[{"name": "bash", "type": "bash_20250124"}])
    assert named.input_bound - named.text_bytes > described.input_bound - described.text_bytes + 750


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]},
        {"tools": [{"name": "f", "input_schema": {}}, {"type": "custom", "name": "g"}]},
        {"tools": [{"type": "bash_20250124"}, {"type": "computer_toolset_20260801"}]},
        {"context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}},
        {"messages": holding({"type": "tool_use", "id": "t", "input": {"file_id": "own"}})},
        {"messages": holding({"type": "image", "source": {"type": "url", "url": "https://x/y"}})},
        {"metadata": {"user_id": "u"}, "thinking": {"type": "adaptive"}, "container": None},
        {"billing_policy": {"type": "billing_policy", "bill_to": "self"}},
    ],
)
def test_what_its_bytes_bound_asks_for_nothing_beyond(change: dict[str, Any]) -> None:
    assert asked(**change).beyond is NOTHING_BEYOND


FILE = {"type": "document", "source": {"type": "file", "file_id": "file_1"}}


@pytest.mark.parametrize(
    ("change", "unbounded", "chooses", "refers"),
    [
        ({"tools": [{"type": "web_search_20250305"}]}, ("tools[0] (web_search)",), (), ()),
        ({"tools": [{"type": "code_execution_20260521"}]}, ("tools[0] (code_execution)",), (), ()),
        ({"tools": [{"type": "mcp_toolset"}]}, ("tools[0] (mcp)",), (), ()),
        ({"tools": [{"type": "advisor_20260301"}]}, ("tools[0] (advisor_20260301)",), (), ()),
        ({"mcp_servers": [{"url": "https://x"}]}, ("mcp_servers (mcp)",), (), ()),
        (
            {"context_management": {"edits": [{"type": "compact_20260112"}]}},
            ("context_management",),
            (),
            (),
        ),
        ({"compaction": {"type": "summarize"}}, ("compaction",), (), ()),
        ({"speed": "fast"}, (), (("speed", "fast"),), ()),
        ({"service_tier": "auto"}, (), (("service_tier", "auto"),), ()),
        ({"inference_geo": "us"}, (), (("inference_geo", "us"),), ()),
        (
            {"fallbacks": [{"model": "haiku"}, {"model": "sonnet"}]},
            ("fallbacks",),
            (("fallbacks", "haiku"), ("fallbacks", "sonnet")),
            (),
        ),
        ({"fallbacks": "default"}, ("fallbacks",), (("fallbacks", "default"),), ()),
        (
            {"billing_policy": {"bill_to": "user_profile"}},
            (),
            (("billing_policy", "user_profile"),),
            (),
        ),
        ({"container": "container_1"}, (), (), (("container", "container_1"),)),
        (
            {"container": {"id": "c", "skills": [{"type": "custom", "skill_id": "s"}]}},
            (),
            (),
            (("container", "c"), ("skill", "s")),
        ),
        (
            {"thread": {"type": "continue", "previous_message_id": "msg_1"}},
            ("thread (stored_context)",),
            (),
            (("message", "msg_1"),),
        ),
        (
            {"messages": holding(FILE)},
            ("messages[0].content[0] (file)",),
            (),
            (("file", "file_1"),),
        ),
        (
            {"messages": holding({"type": "tool_result", "content": [FILE]})},
            ("messages[0].content[0].content[0] (file)",),
            (),
            (("file", "file_1"),),
        ),
        (
            {"messages": holding({"type": "container_upload", "file_id": "file_2"})},
            ("messages[0].content[0] (file)",),
            (),
            (("file", "file_2"),),
        ),
        (
            {"messages": holding({"type": "document", "source": {"type": "url", "url": "u"}})},
            ("messages[0].content[0] (remote_file)",),
            (),
            (),
        ),
    ],
)
def test_what_is_asked_for_beyond_is_named(
    change: dict[str, Any],
    unbounded: tuple[str, ...],
    chooses: tuple[tuple[str, str], ...],
    refers: tuple[tuple[str, str], ...],
) -> None:
    assert asked(**change).beyond == (unbounded, chooses, refers)
    counted = COUNT_TOKENS.parse(
        PATH + "/count_tokens", orjson.dumps({**PLAIN, **change, "max_tokens": None}), {}
    )
    assert counted.beyond == ((), chooses, refers), "whose it is counts for a count, too"


def test_the_clients_version_and_betas_go_on_and_nothing_else() -> None:
    sent = {
        b"anthropic-version": b" 2026-10-21 ",
        b"anthropic-beta": b"files-api-2025-04-14,compact-2026-01-12",
        b"anthropic-workspace-id": b"wrkspc_1",
        b"x-stainless-retry-count": b"2",
    }
    ask = asked(sent)
    assert MESSAGES.lines(ask) == (
        "\r\nanthropic-version: 2026-10-21"
        "\r\nanthropic-beta: files-api-2025-04-14,compact-2026-01-12"
    )
    assert ask.retry == 2
    assert MESSAGES.lines(asked()) == "\r\nanthropic-version: 2023-06-01"


@pytest.mark.parametrize("value", [b"2026\xe9", b"x" * 5_000, b"a\x00b"])
def test_a_version_that_is_none_is_refused(value: bytes) -> None:
    with pytest.raises(BadHeader, match="anthropic-version"):
        asked({b"anthropic-version": value})


def test_a_count_takes_nothing() -> None:
    body = orjson.dumps({"model": "opus", "messages": HELLO})
    ask = COUNT_TOKENS.parse(PATH + "/count_tokens", body, {})
    assert (ask.text_bytes, ask.input_bound, ask.max_tokens, ask.stream) == (0, 0, 0, False)
    assert COUNT_TOKENS.forward(ask, "claude") == body.replace(b"opus", b"claude")

"""Chat requests: what is refused names the field; what passes is forwarded as it came."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.dialects.base import Ask
from quotadeck.dialects.openai import OPENAI
from quotadeck.dialects.request_json import MAX_NESTING, read_json
from quotadeck.domain.refusals import BadField, NotJson
from tests.gateway.values import CHAT, body, request

MESSAGES = [{"role": "user", "content": "hi"}]


def parse_chat(data: bytes, retries: bytes = b"") -> Ask:
    return OPENAI.parse(CHAT, data, {b"x-stainless-retry-count": retries} if retries else {})


def refused(data: bytes) -> str:
    """The refusal's field and words."""
    with pytest.raises((BadField, NotJson)) as refusal:
        parse_chat(data)
    value = refusal.value
    if isinstance(value, BadField):
        return f"{value.field}: {value.why}"
    assert isinstance(value, NotJson)
    return value.why


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": None}, "model: is missing"),
        ({"model": 7}, "model: must be a string, not the number 7"),
        ({"model": ""}, "model: must be a name of 1 to 200 characters"),
        ({"model": "m" * 201}, "model: must be a name of 1 to 200 characters"),
        ({"messages": None}, "messages: is missing"),
        ({"messages": []}, "messages: must hold at least one message"),
        ({"messages": {}}, "messages: must be a list, not an object"),
        ({"messages": ["hi"]}, "messages[0]: must be an object, not a string"),
        ({"messages": [*MESSAGES, {}]}, "messages[1].role: must be a string, not null"),
        (
            {"messages": [{"role": "user", "content": 1.5}]},
            "messages[0].content: must be a string or a list of parts, not the number 1.5",
        ),
        ({"stream": "yes"}, "stream: must be true or false, not a string"),
        ({"stream": True, "stream_options": []}, "stream_options: must be an object, not a list"),
        ({"stream_options": {}}, "stream_options: is only allowed when stream is true"),
        (
            {"stream": True, "stream_options": {"include_usage": 1}},
            "stream_options.include_usage: must be true or false, not the number 1",
        ),
        ({"max_tokens": 0}, "max_tokens: is 0, and must be from 1 to 10,000,000"),
        ({"max_tokens": -1.5}, "max_tokens: must be a whole number, not the number -1.5"),
        ({"max_tokens": -5}, "max_tokens: is -5, and must be from 1 to 10,000,000"),
        ({"max_tokens": 1e30}, "max_tokens: must be a whole number, not the number 1e+30"),
        ({"max_tokens": True}, "max_tokens: must be a whole number, not a boolean"),
        ({"max_tokens": "9"}, "max_tokens: must be a whole number, not a string"),
        (
            {"max_completion_tokens": 2**63},
            "max_completion_tokens: is 9223372036854775808, and must be from 1 to 10,000,000",
        ),
        ({"n": 129}, "n: is 129, and must be from 1 to 128"),
        ({"n": 0}, "n: is 0, and must be from 1 to 128"),
    ],
)
def test_bad_field_is_named_with_what_was_found(change: dict[str, Any], told: str) -> None:
    assert refused(body(**change)) == told


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty"),
        (b"{", "unexpected end"),
        (b"model=gpt", "unexpected character"),
        (b"[1]", "it is a list, not an object"),
        (b"null", "it is null, not an object"),
        (b'{"model": "\xff"}', "byte 11 is not UTF-8"),
        (b"(\xb5/\xfd\x04", "byte 1 is not UTF-8"),
        (b'{"x": 1e999}', "1e999 (character 6) is out of range for a number"),
        (b'{"x": [-1E+400, 2]}', "-1E+400 (character 7) is out of range for a number"),
        (b'{"x": ' + b"9" * 400 + b"}", "9" * 40 + " (character 6) is out of range for a number"),
        (b'{"x": "\xc3\xa9\xc3\xa9", "y": 1e999}', "1e999 (character 17) is out of range"),
        (b'{"model": "\\ud800"}', "surrogate"),
        (b'{"model": NaN}', "unexpected character"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "depth"),
    ],
)
def test_what_is_no_json_object_is_told_so(data: bytes, told: str) -> None:
    assert told.lower() in refused(data).lower()


@pytest.mark.parametrize("half", ["\\ud83d", "\\ude00", "cut \\ud83d here"])
def test_message_with_half_a_character_is_named(half: str) -> None:
    wrong = b'{"role":"user","content":[{"type":"text","text":"%b"}]}' % half.encode()
    whole = b'{"role":"user","content":"\\ud83d\\ude00"}'
    data = b'{"model":"opus","messages":[%b,%b,%b]}' % (whole, whole, wrong)
    assert refused(data).startswith("messages[2]: holds half a character (\\ud")
    elsewhere = b'{"model":"opus","user":"\\ud83d","messages":[%b]}' % whole
    assert "surrogate" in refused(elsewhere)


def test_half_a_character_is_looked_for_where_the_dialect_has_its_messages() -> None:
    with pytest.raises(BadField) as refusal:
        read_json(b'{"turns": ["", "\\ud800"], "messages": ["\\ud800"]}', "turns")
    assert refusal.value.field == "turns[1]"


NUMBERS = st.integers(-(2**200), 2**200) | st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(st.text(max_size=5), st.lists(NUMBERS, max_size=4), max_size=4))
def test_every_number_reaches_the_upstream_as_it_came(numbers: dict[str, list[float]]) -> None:
    extra = {"seed": 18446744073709551616123, "metadata": numbers}
    data = body()[:-1] + b"," + json.dumps(extra).encode()[1:]
    sent = json.loads(OPENAI.forward(parse_chat(data), "opus-4.7"))
    assert sent == {**json.loads(body()), "model": "opus-4.7", **extra}
    assert json.dumps(sent["metadata"]) == json.dumps(numbers)


def test_text_beside_a_long_number_stays_as_it_was() -> None:
    text = '日本語🎉\u2028"'
    data = json.dumps({**json.loads(body(text, stream=True)), "seed": 10**25})
    asked = parse_chat(data.encode())
    sent = json.loads(OPENAI.forward(asked, "m"))
    assert sent["messages"][0]["content"] == text
    assert sent["stream_options"] == {"include_usage": True}
    assert sent["seed"] == 10**25


@pytest.mark.parametrize("depth", [MAX_NESTING - 1, MAX_NESTING, 1_000])
def test_what_is_too_deep_to_be_forwarded_is_refused_before_it_is_admitted(depth: int) -> None:
    """It can be read; if it could then not be written, it would be charged and never sent."""
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    data = body()[:-1] + b',"metadata":' + nested + b"}"
    if depth < MAX_NESTING:
        assert orjson.loads(OPENAI.forward(parse_chat(data), "m"))["metadata"] == orjson.loads(
            nested
        )
    else:
        assert refused(data) == "it is nested more than 254 deep"


def test_many_brackets_side_by_side_are_not_deep() -> None:
    many = [{"role": "user", "content": [{"type": "text", "text": "[[[{{{"}]}] * 200
    sent = orjson.loads(OPENAI.forward(parse_chat(body(messages=many)), "m"))
    assert len(sent["messages"]) == 200


def test_fields_we_do_not_know_are_forwarded_untouched() -> None:
    extra: dict[str, Any] = {
        "temperature": 0.5,
        "tools": [{"type": "function"}],
        "x_new": {"deep": [1, None]},
    }
    fields = orjson.loads(OPENAI.forward(request(**extra), "opus-4.7"))
    assert fields == {**orjson.loads(body(**extra)), "model": "opus-4.7"}


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, {"include_usage": True}])
def test_stream_always_asks_the_upstream_for_usage(options: dict[str, bool] | None) -> None:
    asked = request(stream=True, stream_options=options)
    assert asked.stream
    assert asked.body.include_usage == bool(options and options.get("include_usage"))
    forwarded = orjson.loads(OPENAI.forward(asked, "m"))
    assert forwarded["stream_options"] == {"include_usage": True}


def test_other_stream_options_stay() -> None:
    asked = request(stream=True, stream_options={"include_obfuscation": False})
    forwarded = orjson.loads(OPENAI.forward(asked, "m"))
    assert forwarded["stream_options"] == {"include_obfuscation": False, "include_usage": True}


def test_whole_reply_asks_for_no_stream_options() -> None:
    assert "stream_options" not in orjson.loads(OPENAI.forward(request(), "m"))


@pytest.mark.parametrize(
    ("given", "most"),
    [
        ({}, None),
        ({"max_tokens": None, "max_completion_tokens": None}, None),
        ({"max_tokens": 10}, 10),
        ({"max_completion_tokens": 20}, 20),
        ({"max_tokens": 10, "max_completion_tokens": 20}, 20),
        ({"max_tokens": 20, "max_completion_tokens": 10}, 20),
    ],
)
def test_most_output_is_the_larger_of_both_names(given: dict[str, Any], most: int | None) -> None:
    """Upstreams differ in which they obey, and money is held for the worse."""
    assert request(**given).max_tokens == most


@pytest.mark.parametrize(
    ("given", "most", "sent"),
    [(-1, None, None), (-1.0, None, None), (100.0, 100, 100), (100, 100, 100)],
)
def test_most_output_is_taken_as_clients_mean_it(
    given: float, most: int | None, sent: int | None
) -> None:
    asked = request(max_tokens=given)
    assert asked.max_tokens == most
    forwarded = OPENAI.forward(asked, "m")
    assert orjson.loads(forwarded)["max_tokens"] == sent
    assert b"100.0" not in forwarded


@given(st.text(max_size=200), st.booleans())
def test_input_bound_is_never_under_a_token_a_byte(text: str, escaped: bool) -> None:
    raw = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": text}]})
    if escaped:
        raw = json.dumps(orjson.loads(raw)).encode()
    assert parse_chat(raw).input_bound >= len(text.encode()) + 64


@pytest.mark.parametrize("name", ["tools", "functions", "response_format"])
def test_templates_that_the_client_did_not_send_are_counted(name: str) -> None:
    template: dict[str, Any] = {name: [{"type": "function"}]}
    plain, with_template = request(), request(**template)
    grown = with_template.text_bytes - plain.text_bytes
    assert with_template.input_bound - plain.input_bound >= grown + 900


@pytest.mark.parametrize(
    ("header", "retry"),
    [(b"", 0), (b"2", 2), (b"99999", 1_000), (b"-1", 0), (b"two", 0), (b"9" * 5_000, 0)],
)
def test_retry_count_is_read_with_distrust(header: bytes, retry: int) -> None:
    assert parse_chat(body(), header).retry == retry


def test_choices_are_one_unless_stated() -> None:
    assert request().choices == 1
    assert request(n=None).choices == 1
    assert request(n=3).choices == 3


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
NAMES = ("model", "messages", "stream", "stream_options", "max_tokens", "n", "tools")


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_any_json_is_refused_by_name_or_can_be_forwarded(fields: dict[str, Any]) -> None:
    try:
        data = orjson.dumps(fields)
    except TypeError:  # an integer that no JSON of ours holds
        return
    try:
        asked: Ask = parse_chat(data)
    except (BadField, NotJson):
        return
    assert orjson.loads(OPENAI.forward(asked, "m"))["model"] == "m"
    assert asked.input_bound > len(data)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 900_000}},
        {"type": "input_audio", "input_audio": {"data": "A" * 900_000, "format": "wav"}},
        {"type": "file", "file": {"file_data": "A" * 900_000}},
        {"type": "image_url", "image_url": "data:image/png;base64," + "A" * 900_000},
        {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 900_000},
        {"type": "video_url", "video_url": {"url": "data:video/mp4;base64," + "A" * 900_000}},
        {"type": "document_url", "document_url": "data:application/pdf;base64," + "A" * 900_000},
        {"type": "image", "source": {"type": "base64", "data": "A" * 900_000}},
        {"type": "tool_result", "content": [{"type": "image", "image": "A" * 900_000}]},
    ],
)
def test_the_bytes_of_a_medium_are_not_taken_for_text(part: dict[str, Any]) -> None:
    words = {"type": "text", "text": "What is this?"}
    asked = request(messages=[{"role": "user", "content": [words, part]}])
    assert asked.media == 1
    assert asked.text_bytes < 500
    assert asked.media_tokens < asked.input_bound < 4_000


@pytest.mark.parametrize(
    "source",
    [
        {"type": "text", "data": "a" * 9_000},
        {"type": "words", "data": "a b " * 9_000},
        {"type": "words", "data": "日本" * 9_000},
    ],
)
def test_text_is_no_medium_whatever_its_part_is_called(source: dict[str, str]) -> None:
    part = {"type": "document", "source": source}
    asked = request(messages=[{"role": "tool", "content": [part]}])
    assert asked.media == 1
    assert asked.text_bytes > 9_000


@pytest.mark.parametrize("part", [{"type": "image_url"}, {"type": 5}, 7, None, {"image_url": 3}])
def test_parts_we_do_not_know_go_to_the_upstream_as_they_came(part: object) -> None:
    messages = [{"role": "user", "content": [part]}]
    asked = request(messages=messages)
    assert orjson.loads(OPENAI.forward(asked, "m"))["messages"] == messages

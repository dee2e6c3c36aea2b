"""Every dialect keeps to the one promise; a toy one shows that it is not OpenAI's."""

from datetime import UTC, datetime

import orjson
import pytest

from quotadeck.dialects.base import NotAnAnswer, Read
from quotadeck.dialects.messages.dialect import Messages
from quotadeck.dialects.openai import OPENAI
from quotadeck.dialects.responses import RESPONSES
from quotadeck.domain.refusals import BadField, KeyRevoked, KeyUnknown, NotJson, Refusal
from tests.dialects.conformance import RATES, REFUSALS, USAGE, Sample, kinds, lines_of, told
from tests.dialects.toy import TOY


def _event(**more: object) -> bytes:
    return b"data: " + orjson.dumps({"id": "id-1", **more}) + b"\n\n"


def _delta(text: str) -> bytes:
    return _event(choices=[{"index": 0, "delta": {"content": text}}])


def _named(kind: str, **more: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **more}))


def _text(text: str) -> bytes:
    return _named("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
_BEGUN = {"id": "id-1", "type": "message", "role": "assistant", "content": []}
_OVERLOADED = {"type": "overloaded_error", "message": "overloaded"}
_USED = {"input_tokens": 12, "output_tokens": 34}
_TOKENS = {"prompt_tokens": 12, "completion_tokens": 34}
_CHAT = {"model": "opus", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}
_ERROR = orjson.dumps({"error": {"message": "overloaded"}})
_ASKED = {"model": "opus", "input": "hi", "max_output_tokens": 9}
_FAILS = {"error": {"message": "overloaded"}}
_RESPONSE: dict[str, object] = {
    "id": "id-1",
    "object": "response",
    "status": "completed",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "abc"}]}],
    "usage": {"input_tokens": 12, "output_tokens": 34},
}
SAMPLES = [
    Sample(
        OPENAI,
        "/v1/chat/completions",
        orjson.dumps(_CHAT),
        orjson.dumps({**_CHAT, "stream": True}),
        orjson.dumps({**_CHAT, "model": None}),
        b'"model":"target-model"',
        orjson.dumps(
            {"id": "id-1", "choices": [{"message": {"content": "abc"}}], "usage": _TOKENS}
        ),
        _delta("a") + _delta("b") + _delta("c") + _event(usage=_TOKENS) + b"data: [DONE]\n\n",
        _delta("a") + b"data: " + _ERROR + b"\n\n",
        _ERROR,
    ),
    Sample(
        Messages(lambda: _AT),
        "/v1/messages",
        orjson.dumps(_CHAT),
        orjson.dumps({**_CHAT, "stream": True}),
        orjson.dumps({**_CHAT, "model": None}),
        b'"model":"target-model"',
        orjson.dumps({**_BEGUN, "content": [{"type": "text", "text": "abc"}], "usage": _USED}),
        _named("message_start", message={**_BEGUN, "usage": {**_USED, "output_tokens": 1}})
        + _named("ping")
        + _named("content_block_start", index=0, content_block={"type": "text", "text": ""})
        + _text("a")
        + _text("b")
        + _text("c")
        + _named("content_block_stop", index=0)
        + _named("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 34})
        + _named("message_stop"),
        _named("message_start", message=_BEGUN) + _text("a") + _named("error", error=_OVERLOADED),
        orjson.dumps({"type": "error", "error": _OVERLOADED}),
    ),
    Sample(
        RESPONSES,
        "/v1/responses",
        orjson.dumps(_ASKED),
        orjson.dumps({**_ASKED, "stream": True}),
        orjson.dumps({**_ASKED, "model": None}),
        b'"model":"target-model"',
        orjson.dumps(_RESPONSE),
        _named("response.created", response={**_RESPONSE, "output": [], "usage": None})
        + b"".join(_named("response.output_text.delta", delta=one) for one in "abc")
        + _named("response.completed", response=_RESPONSE),
        _named("response.output_text.delta", delta="a")
        + _named(
            "response.failed", response={"status": "failed", "error": {"message": "overloaded"}}
        ),
        _ERROR,
    ),
    Sample(
        TOY,
        "/toy/say",
        b"talk=opus\nmost=9\nsays=hi\n",
        b"talk=opus\nmost=9\nlive=yes\nsays=hi\n",
        b"most=9\nsays=hi\n",
        b"talk=target-model\n",
        b"ref=id-1\ntook=12\ngave=34\nsaid=abc\n",
        b"ref id-1\n+ a\n+ b\n+ c\n= 12 34\n.\n",
        b"+ a\n! busy overloaded\n",
        b"no=busy\nwords=overloaded\n",
    ),
]
each = pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: type(one.dialect).__name__)
refused = pytest.mark.parametrize("refusal", REFUSALS, ids=lambda one: type(one).__name__)


@each
def test_request_is_read_and_forwarded_to_the_targets_model(sample: Sample) -> None:
    dialect, path = sample.dialect, sample.path
    assert path in dialect.endpoints
    asked = dialect.parse(path, sample.request, {})
    assert (asked.model, asked.stream) == ("opus", False)
    assert (asked.max_tokens, asked.choices, asked.retry) == (9, 1, 0)
    assert asked.input_bound >= asked.text_bytes == len(sample.request)
    assert dialect.parse(path, sample.streaming, {}).stream
    for model in ("target-model", "opus", "target-model"):  # as often as there are attempts
        sent = dialect.forward(asked, model)
        assert (sample.names_model in sent) == (model == "target-model")
        assert dialect.parse(path, sent, {}).model == model


@each
def test_wrong_request_is_refused_with_facts(sample: Sample) -> None:
    with pytest.raises(BadField) as wrong:
        sample.dialect.parse(sample.path, sample.wrong, {})
    assert wrong.value.field
    assert wrong.value.why
    with pytest.raises(NotJson) as unreadable:
        sample.dialect.parse(sample.path, b"\xff\xfe", {})
    assert unreadable.value.why


@each
def test_whole_reply_tells_its_usage(sample: Sample) -> None:
    assert sample.dialect.reply(sample.reply)[:3] == Read(USAGE, "id-1", sample.reply)[:3]
    with pytest.raises(NotAnAnswer, match="reply"):
        sample.dialect.reply(b"<html>")


@each
@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_stream_accounts_like_the_whole_reply(sample: Sample, piece: int) -> None:
    asked = sample.dialect.parse(sample.path, sample.streaming, {})
    relay, wire = sample.dialect.relay(asked), sample.stream
    got = b"".join(relay.feed(wire[at : at + piece]) for at in range(0, len(wire), piece))
    got += relay.close()
    assert (relay.done, relay.error, relay.broken, relay.ended) == (True, None, "", True)
    assert (relay.usage, relay.response_id) == sample.dialect.reply(sample.reply)[:2]
    assert relay.deltas == 3
    end = relay.terminal("0.25")
    assert b"0.25" in end
    assert not got.endswith(end), "the end waits for the record"
    again = sample.dialect.relay(asked)
    again.feed(got + end)
    assert (again.done, again.deltas) == (True, 3)


@each
def test_upstreams_error_is_read_alike_in_a_stream_and_whole(sample: Sample) -> None:
    relay = sample.dialect.relay(sample.dialect.parse(sample.path, sample.streaming, {}))
    assert relay.feed(sample.failing)
    assert relay.ended
    assert not relay.done
    said = sample.dialect.error(sample.error)
    assert said.message == "overloaded"
    assert relay.error == said
    assert sample.dialect.error(b"").message == ""


@each
def test_stream_that_just_stops_has_no_end(sample: Sample) -> None:
    relay = sample.dialect.relay(sample.dialect.parse(sample.path, sample.streaming, {}))
    relay.feed(sample.stream[: len(sample.stream) // 3])
    relay.close()
    assert not relay.done


def test_every_kind_of_refusal_has_a_row_and_a_sample() -> None:
    assert {type(one) for one in REFUSALS} == set(kinds())
    fault = OPENAI.refusal(ValueError())
    assert fault not in [OPENAI.refusal(one) for one in REFUSALS]
    # A revoked key is told like an unknown one: who has it must not learn that it was one. Any
    # other kind of a kind could be told like that one unnoticed.
    assert {kind for kind in kinds() if kind.__base__ is not Refusal} == {KeyRevoked}
    assert OPENAI.refusal(KeyRevoked("k_1", "analytics")) == OPENAI.refusal(KeyUnknown())


@each
@refused
def test_refusal_is_told_with_its_rates_and_nothing_hostile(
    sample: Sample, refusal: Refusal
) -> None:
    plain = told(sample, refusal)
    assert 400 <= plain["status"] < 600
    assert plain["body"]
    assert plain["body"] != told(sample, ValueError("secret"))["body"]
    assert b"x-injected" not in plain["head"]
    rates = lines_of(sample.dialect.rates(RATES))
    assert rates
    refusal.rates = RATES
    try:
        assert told(sample, refusal)["head"] == {**plain["head"], **rates}
    finally:
        del refusal.rates


@each
@refused
def test_refusal_in_a_stream_is_one_error_that_ends_it(sample: Sample, refusal: Refusal) -> None:
    event = sample.dialect.error_event(refusal, "0.25")
    assert b"0.25" in event
    assert b"0.25" not in sample.dialect.error_event(refusal, None)
    if sample.dialect is OPENAI:
        relay = sample.dialect.relay(sample.dialect.parse(sample.path, sample.streaming, {}))
        relay.feed(event)
        assert relay.error is not None


@each
def test_fault_of_ours_tells_nothing_of_itself(sample: Sample) -> None:
    fault = sample.dialect.refusal(ValueError("secret"))
    assert fault.status == 500
    assert b"secret" not in fault.body


@each
def test_key_goes_in_a_header(sample: Sample) -> None:
    with_key, without = sample.dialect.asks_with("sk-1"), sample.dialect.asks_with("")
    assert any(b"sk-1" in value for _, value in with_key)
    assert [name for name, _ in without if name == b"content-type"]

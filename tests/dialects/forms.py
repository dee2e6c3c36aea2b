"""The same answer in every form: whole, as a stream, and as an error, for tests over all forms."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from quotadeck.dialects.base import Dialect, Translator
from quotadeck.dialects.registry import DIALECTS, TRANSLATIONS

WORDS: Final = "Flux capacitor overheated"
ERROR: Final = {"error": {"message": WORDS, "type": "x", "code": "c"}}
_USER: Final = [{"role": "user", "content": "hi"}]
_USED: Final = {"input_tokens": 12, "output_tokens": 34}
_TOKENS: Final = {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}
_CALL: Final = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def data(value: object, name: str = "") -> bytes:
    named = b"event: %b\n" % name.encode() if name else b""
    return named + b"data: " + orjson.dumps(value) + b"\n\n"


def _chunk(choice: dict[str, Any], **more: object) -> bytes:
    return data({"id": "i", "choices": [{"index": 0, **choice}] if choice else [], **more})


def _named(kind: str, **more: object) -> bytes:
    return data({"type": kind, **more}, kind)


_MESSAGE: Final = {"id": "m", "type": "message", "role": "assistant", "content": []}
_TOOL: Final = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
_RESPONSE: Final = {"id": "resp_1", "object": "response", "status": "in_progress", "output": []}
_ITEM: Final = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
_OUTPUT: Final = [{**_ITEM, "content": [{"type": "output_text", "text": "hé"}]}]
_WHOLE: Final = {**_RESPONSE, "status": "completed", "output": _OUTPUT, "usage": _USED}


class Form(NamedTuple):
    """How it is asked, and answered with the usage of 12 and 34 tokens; what has no stream gives
    none.

    ``speaks`` is how an upstream's config names it, where that is not its own name.
    """

    path: str
    asked: dict[str, Any]
    whole: dict[str, Any]
    stream: bytes = b""
    speaks: str = ""


FORMS: Final = MappingProxyType(
    {
        "chat": Form(
            "/v1/chat/completions",
            {"model": "opus", "messages": _USER, "max_tokens": 99},
            {
                "id": "i",
                "choices": [
                    {"message": {"content": "hé", "tool_calls": [_CALL]}, "finish_reason": "stop"}
                ],
                "usage": {
                    **_TOKENS,
                    "cost": 0.1,
                    "prompt_tokens_details": {"cached_tokens": 0},
                    "completion_tokens_details": {"reasoning_tokens": 3},
                },
            },
            _chunk({"delta": {"content": "hé"}})
            + _chunk({"delta": {"tool_calls": [{"index": 0, **_CALL}]}})
            + _chunk({"delta": {}, "finish_reason": "stop"})
            + _chunk({}, usage=_TOKENS)
            + b"data: [DONE]\n\n",
        ),
        "completions": Form(
            "/v1/completions",
            {"model": "opus", "prompt": "hi", "max_tokens": 99},
            {"id": "i", "choices": [{"text": "hé", "finish_reason": "stop"}], "usage": _TOKENS},
            _chunk({"text": "hé"})
            + _chunk({"text": "", "finish_reason": "stop"})
            + _chunk({}, usage=_TOKENS)
            + b"data: [DONE]\n\n",
        ),
        "embeddings": Form(
            "/v1/embeddings",
            {"model": "opus", "input": "hi"},
            {"data": [{"embedding": [0.1], "index": 0}], "usage": {"prompt_tokens": 12}},
        ),
        "messages": Form(
            "/v1/messages",
            {"model": "opus", "messages": _USER, "max_tokens": 99},
            {
                **_MESSAGE,
                "content": [{"type": "text", "text": "hé"}, _TOOL],
                "stop_reason": "end_turn",
                "usage": _USED,
            },
            _named("message_start", message={**_MESSAGE, "usage": {**_USED, "output_tokens": 1}})
            + _named("content_block_start", index=0, content_block={"type": "text", "text": ""})
            + _named("content_block_delta", index=0, delta={"type": "text_delta", "text": "hé"})
            + _named("content_block_stop", index=0)
            + _named("content_block_start", index=1, content_block=_TOOL)
            + _named("content_block_stop", index=1)
            + _named("message_delta", delta={"stop_reason": "end_turn"}, usage=_USED)
            + _named("message_stop"),
        ),
        "responses": Form(
            "/v1/responses",
            {"model": "opus", "input": "hi", "max_output_tokens": 99},
            _WHOLE,
            _named("response.created", response=_RESPONSE)
            + _named("response.output_text.delta", output_index=0, content_index=0, delta="hé")
            + _named("response.completed", response=_WHOLE),
        ),
        "count_tokens": Form(
            "/v1/messages/count_tokens",
            {"model": "opus", "messages": _USER},
            {"input_tokens": 12},
            speaks="messages",
        ),
        "input_tokens": Form(
            "/v1/responses/input_tokens",
            {"model": "opus", "input": "hi"},
            {"object": "response.input_tokens", "input_tokens": 12},
            speaks="responses",
        ),
    }
)


class Way(NamedTuple):
    """From a client's form to an upstream's."""

    asked: str
    spoken: str
    dialect: Dialect
    speech: Translator

    @property
    def speaks(self) -> str:
        """What an upstream's config names that speaks it."""
        return FORMS[self.spoken].speaks or self.spoken

    def __str__(self) -> str:
        return f"{self.asked}-{self.spoken}"


def _ways() -> Iterator[Way]:
    at_path = {path: one for one in DIALECTS for path in one.endpoints}
    by_form = {name: at_path[form.path] for name, form in FORMS.items()}
    assert {*by_form.values()} == {*DIALECTS}
    for form, dialect in by_form.items():
        yield Way(form, form, dialect, dialect)
    for (asked, spoken), translator in TRANSLATIONS.items():
        yield Way(asked, spoken, by_form[asked], translator)


WAYS: Final = tuple(_ways())
STREAMED: Final = tuple(way for way in WAYS if FORMS[way.spoken].stream)

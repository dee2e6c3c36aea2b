"""A chat completion request of OpenAI's dialect, checked as far as admission depends on it.

What we do not act upon goes to the upstream as it came; it knows its own parameters best.
Source: the "Create chat completion" page of OpenAI's API reference.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from quotadeck.dialects.base import Ask
from quotadeck.dialects.fields import (
    count,
    flag,
    kind_of,
    model_of,
    most_tokens,
    read_object,
    retries,
    typed,
)
from quotadeck.dialects.media import MEDIA_TOKENS, media_in
from quotadeck.dialects.openai.beyond import beyond_chat
from quotadeck.dialects.raw_json import NO_MORE, RawRequest, raw_request
from quotadeck.domain.refusals import BadField

MAX_CHOICES = 128
_WITH_USAGE = MappingProxyType({"stream_options": {"include_usage": True}})
_BYTES_OF_CHAT_TEMPLATE = 64
_BYTES_OF_TOOL_TEMPLATE = 1_024
_UNPRICED = ("web_search_options", "prediction", "audio")
_TEMPLATED = ("tools", "functions", "response_format")


class Chat(NamedTuple):
    """What of a request only this dialect knows.

    ``usage`` are the members that make the upstream tell a stream's usage, where the client has not
    asked for that itself: ``include_usage``.
    """

    request: RawRequest
    usage: Mapping[str, Any]
    include_usage: bool


def forward_chat(chat: Chat, model: str, *, stream_usage: bool = True) -> bytes:
    """The body to forward: the target's own model name, and a stream's usage asked for."""
    return chat.request.to(model, chat.usage if stream_usage else NO_MORE)


def parse_chat(body: bytes, retry_count: bytes = b"") -> Ask:
    """Check a body. Raises NotJson or BadField.

    ``retry_count`` is the SDKs' x-stainless-retry-count header.
    """
    fields = read_object(body, "messages")
    model = model_of(fields)
    media, media_bytes = _check_messages(fields)
    sent: dict[str, Any] = {}
    given = [most_tokens(fields, name, sent) for name in ("max_tokens", "max_completion_tokens")]
    # Upstreams differ in which of the two they obey.
    most = max((one for one in given if one is not None), default=None)
    text_bytes, media_tokens = len(body) - media_bytes, media * MEDIA_TOKENS
    templated = any(map(fields.get, _TEMPLATED))
    template = _BYTES_OF_TOOL_TEMPLATE if templated else _BYTES_OF_CHAT_TEMPLATE
    priced_apart = any(map(fields.get, _UNPRICED))
    stream = flag(fields, "stream")
    chat = chat_of(body, fields, sent, stream=stream)
    return Ask(
        model,
        stream,
        most,
        count(fields, "n", MAX_CHOICES) or 1,
        text_bytes,
        media,
        media_tokens,
        # No tokenizer makes more of it: a byte-level one yields at most a token a byte, and chat
        # and tool templates add text that the client did not send. Of media it is an estimate.
        text_bytes + template + media_tokens,
        priced_apart,
        retries(retry_count),
        chat,
        beyond_chat(fields, media),
    )


def chat_of(body: bytes, fields: dict[str, Any], sent: dict[str, Any], *, stream: bool) -> Chat:
    """What a checked request is to its dialect. Raises BadField."""
    options = fields.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise BadField("stream_options", f"must be an object, not {kind_of(options)}")
    if options is not None and not stream:
        raise BadField("stream_options", "is only allowed when stream is true")
    include_usage = bool(options and flag(options, "include_usage", "stream_options."))
    if stream and not include_usage and "stream_options" in fields:
        sent["stream_options"] = {**(options or {}), "include_usage": True}
    asks = stream and "stream_options" not in fields
    request = raw_request(body, fields, sent or NO_MORE)
    return Chat(request, _WITH_USAGE if asks else NO_MORE, include_usage)


def _check_messages(fields: dict[str, Any]) -> tuple[int, int]:
    """How many media the messages hold, and how many bytes of the body they are."""
    messages = typed(fields, "messages", list)
    if not messages:
        raise BadField("messages", "must hold at least one message")
    media = media_bytes = 0
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise _no_message(index, message)
        content = message.get("content")
        if isinstance(content, list):
            more, bytes_more = media_in(content)
            media, media_bytes = media + more, media_bytes + bytes_more
        elif content is not None and not isinstance(content, str):
            what = f"must be a string or a list of parts, not {kind_of(content)}"
            raise BadField(f"messages[{index}].content", what)
    return media, media_bytes


def _no_message(index: int, message: Any) -> BadField:
    if not isinstance(message, dict):
        return BadField(f"messages[{index}]", f"must be an object, not {kind_of(message)}")
    what = f"must be a string, not {kind_of(message.get('role'))}"
    return BadField(f"messages[{index}].role", what)

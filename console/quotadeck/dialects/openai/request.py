"""A chat completion request of OpenAI's dialect, checked as far as admission depends on it.

What we do not act upon goes to the upstream as it came; it knows its own parameters best.
Source: the "Create chat completion" page of OpenAI's API reference.
"""

from typing import Any, NamedTuple

from quotadeck.dialects.base import Ask
from quotadeck.dialects.request_json import read_json, write_json
from quotadeck.domain.refusals import BadField, NotJson

MAX_OUTPUT_TOKENS = 10_000_000
MAX_CHOICES = 128
MAX_MODEL_CHARS = 200
_BYTES_OF_CHAT_TEMPLATE = 64
_BYTES_OF_TOOL_TEMPLATE = 1_024
_MEDIA_TOKENS = 2_000
"""What an image, a sound or a file is taken for: likely enough, no bound. A large image costs some
1,500 tokens; its bytes say nothing, and a linked one has none here."""
_MEDIA = {"image_url": "url", "input_audio": "data", "file": "file_data"}
_UNPRICED = ("web_search_options", "prediction", "audio")
_UNPRICED_TIERS = ("priority", "scale", "fast")
_TEMPLATED = ("tools", "functions", "response_format")


class Chat(NamedTuple):
    """What of a request only this dialect knows: the whole JSON object, to be forwarded, and
    whether the client itself asked for usage at its stream's end."""

    fields: dict[str, Any]
    include_usage: bool


def forward_chat(chat: Chat, model: str, *, stream: bool) -> bytes:
    """The body to forward: the target's own model name, and usage always asked for."""
    fields = {**chat.fields, "model": model}
    if stream:
        options = fields.get("stream_options") or {}
        fields["stream_options"] = {**options, "include_usage": True}
    return write_json(fields)


def parse_chat(body: bytes, retry_count: bytes = b"") -> Ask:
    """Check a body. Raises NotJson or BadField.

    ``retry_count`` is the SDKs' x-stainless-retry-count header.
    """
    fields = read_json(body, "messages")
    if not isinstance(fields, dict):
        raise NotJson(f"it is {_kind(fields)}, not an object")
    model = _typed(fields, "model", str)
    if not model or len(model) > MAX_MODEL_CHARS:
        raise BadField("model", f"must be a name of 1 to {MAX_MODEL_CHARS} characters")
    media, media_bytes = _check_messages(fields)
    stream = _flag(fields, "stream")
    options = fields.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise BadField("stream_options", f"must be an object, not {_kind(options)}")
    if options is not None and not stream:
        raise BadField("stream_options", "is only allowed when stream is true")
    max_tokens = _count(fields, "max_tokens", MAX_OUTPUT_TOKENS)
    completion = _count(fields, "max_completion_tokens", MAX_OUTPUT_TOKENS)
    # Upstreams differ in which of the two they obey.
    most = max((given for given in (max_tokens, completion) if given is not None), default=None)
    text_bytes, media_tokens = len(body) - media_bytes, media * _MEDIA_TOKENS
    templated = any(map(fields.get, _TEMPLATED))
    template = _BYTES_OF_TOOL_TEMPLATE if templated else _BYTES_OF_CHAT_TEMPLATE
    priced_apart = any(map(fields.get, _UNPRICED))
    return Ask(
        model,
        stream,
        most,
        _count(fields, "n", MAX_CHOICES) or 1,
        text_bytes,
        media,
        media_tokens,
        # No tokenizer makes more of it: a byte-level one yields at most a token a byte, and chat
        # and tool templates add text that the client did not send. Of media it is an estimate.
        text_bytes + template + media_tokens,
        priced_apart or fields.get("service_tier") in _UNPRICED_TIERS,
        min(int(retry_count), 1_000) if retry_count.isdigit() and len(retry_count) < 6 else 0,
        Chat(fields, bool(options and _flag(options, "include_usage", "stream_options."))),
    )


def _check_messages(fields: dict[str, Any]) -> tuple[int, int]:
    """How many media the messages hold, and how many bytes of the body they are."""
    messages = _typed(fields, "messages", list)
    if not messages:
        raise BadField("messages", "must hold at least one message")
    media = media_bytes = 0
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise _no_message(index, message)
        content = message.get("content")
        if isinstance(content, list):
            sizes = [_media_bytes(part) for part in content]
            media += sum(size is not None for size in sizes)
            media_bytes += sum(size or 0 for size in sizes)
        elif content is not None and not isinstance(content, str):
            what = f"must be a string or a list of parts, not {_kind(content)}"
            raise BadField(f"messages[{index}].content", what)
    return media, media_bytes


def _no_message(index: int, message: Any) -> BadField:
    if not isinstance(message, dict):
        return BadField(f"messages[{index}]", f"must be an object, not {_kind(message)}")
    what = f"must be a string, not {_kind(message.get('role'))}"
    return BadField(f"messages[{index}].role", what)


def _media_bytes(part: Any) -> int | None:
    """The encoded size of a part's medium; None where it is text or nothing we know."""
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind not in _MEDIA:
        return None
    held = part.get(kind)
    data = held.get(_MEDIA[kind]) if isinstance(held, dict) else None
    return len(data) if isinstance(data, str) and data.isascii() else 0


def _typed(fields: dict[str, Any], name: str, kind: type[str] | type[list[Any]]) -> Any:
    value = fields.get(name)
    if value is None:
        raise BadField(name, "is missing")
    if not isinstance(value, kind):
        wanted = "a string" if kind is str else "a list"
        raise BadField(name, f"must be {wanted}, not {_kind(value)}")
    return value


def _flag(fields: dict[str, Any], name: str, prefix: str = "") -> bool:
    value = fields.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise BadField(prefix + name, f"must be true or false, not {_kind(value)}")
    return value


def _count(fields: dict[str, Any], name: str, most: int) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadField(name, f"must be a whole number, not {_kind(value)}")
    if not 1 <= value <= most:
        raise BadField(name, f"is {str(value)[:30]}, and must be from 1 to {most:,}")
    return value


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    if value is None:
        return "null"
    return names.get(type(value), f"the number {str(value)[:30]}")

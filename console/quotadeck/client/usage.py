"""What a call used, read from whatever form of its reply the application has in hand."""

from collections.abc import Mapping
from typing import Any, Final

from quotadeck.client.errors import NotSettled
from quotadeck.domain.usage import Usage

_KINDS: Final = {
    "chat.completion": "openai.OPENAI",
    "text_completion": "openai.COMPLETIONS",
    "list": "openai.EMBEDDINGS",
    "response": "responses.RESPONSES",
    "message": "messages.MESSAGES",
}
"""The dialect of a reply, by its member ``object`` or ``type``."""

_COUNTS: Final = (
    "input_tokens",
    "output_tokens",
    "prompt_tokens",
    "completion_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
)
"""What frameworks call the counts of their usage objects: ``input_tokens`` is all of the input."""


def usage_of(used: Any, output_tokens: int | None = None) -> tuple[Usage, str]:
    """The usage, and the model that a reply names, or "".

    See `Reservation.settle` for what ``used`` may be. Raises NotSettled.
    """
    if isinstance(used, Usage):
        for number in (used.input_tokens, used.cached_tokens, used.output_tokens):
            _tokens(number)
        return used, ""
    if used is None or isinstance(used, int):
        return Usage(_tokens(used or 0), 0, _tokens(output_tokens or 0)), ""
    if output_tokens is not None:
        raise NotSettled("output tokens are given beside input tokens, not beside a reply")
    reply = _as_dict(used)
    usage = _of_reply(reply) or _of_counts(reply)
    if usage is None:
        raise NotSettled(f"this {type(used).__name__} tells no usage of tokens")
    model = reply.get("model")
    return usage, model if isinstance(model, str) else ""


def _tokens(number: Any) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise NotSettled(f"{number!r} is no number of tokens")
    return number


def _as_dict(used: Any) -> dict[str, Any]:
    """A reply as a dict: it may be parsed, raw, or any object that names its counts."""
    inner = _member(used, "http_response")
    used = used if inner is None else inner
    if isinstance(used, Mapping):
        return dict(used)
    for name in ("usage_metadata", "model_dump", "to_dict", "json", "dict"):
        told = _member(used, name)
        if isinstance(told, Mapping):
            return dict(told)
    named = {name: _member(used, name) for name in _COUNTS}
    if named["input_tokens"] is not None or named["prompt_tokens"] is not None:
        return {name: count for name, count in named.items() if count is not None}
    raise NotSettled(
        f"{type(used).__name__} is no reply, dict, Usage or number of tokens; of a stream it is "
        "the event that tells its usage"
    )


def _member(used: Any, name: str) -> Any:
    """What an object has under that name, or its method there gives; None where there is nothing,
    or it is not to be had, as the body of an answer that nobody has read."""
    try:
        found = getattr(used, name, None)
        return found() if callable(found) else found
    except Exception:  # noqa: BLE001 -- objects raise what they like
        return None


def _of_reply(reply: dict[str, Any]) -> Usage | None:
    """Its usage by the rules of its dialect, as the gateway reads it; None: it is no reply."""
    place = _KINDS.get(str(reply.get("object"))) or _KINDS.get(str(reply.get("type")))
    if place is None:
        return None
    from importlib import import_module
    from json import dumps

    from quotadeck.dialects.base import NotAnAnswer

    room, _, name = place.partition(".")
    dialect = getattr(import_module(f"quotadeck.dialects.{room}"), name)
    try:
        usage: Usage | None = dialect.reply(dumps(reply, default=str).encode()).usage
    except (NotAnAnswer, TypeError, ValueError, RecursionError):  # the last three: no JSON
        return None
    return usage


def _of_counts(counts: dict[str, Any]) -> Usage | None:
    """The usage of a reply's ``usage`` member alone, in any of the forms."""
    inner = counts.get("usage")
    if isinstance(inner, Mapping):
        counts = dict(inner)
    elif inner is not None and not isinstance(inner, str | int):
        counts = _as_dict(inner)
    if "prompt_tokens" in counts:
        from quotadeck.dialects.openai.usage import UsageReader

        chat = UsageReader()
        chat.see({"usage": counts})
        return chat.usage(delivered=False)
    if "cache_read_input_tokens" in counts or "cache_creation_input_tokens" in counts:
        from quotadeck.dialects.messages.usage import UsageReader as MessageReader

        message = MessageReader()
        message.see(counts)
        return message.usage(delivered=False)
    from quotadeck.dialects.responses.usage import UsageReader as ResponseReader

    details = counts.get("input_token_details")
    cached = details.get("cache_read") if isinstance(details, Mapping) else None
    read = counts.get("cache_read_tokens", cached)
    if read is not None:
        counts = {**counts, "input_tokens_details": {"cached_tokens": read}}
    response = ResponseReader()
    response.see({"usage": {"output_tokens": 0, **counts}})
    return response.usage(delivered=False)

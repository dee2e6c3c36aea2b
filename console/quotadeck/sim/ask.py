"""A chat request as it came in: checked, counted, and made into a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from quotadeck.sim.catalogue import MODELS, Model
from quotadeck.sim.errors import RefusedError, bad_request, unknown_model
from quotadeck.sim.tokens import count_input

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
MAX_CHOICES = 128
MAX_STOPS = 4


@dataclass(frozen=True, slots=True)
class Ask:
    """What a caller asked for."""

    model: Model
    content: bytes
    """The request's content in one canonical form: what the reply is drawn from."""
    prompt_tokens: int
    max_tokens: int
    """The caller's bound or the model's own, whichever is lower."""
    n: int
    stop: tuple[str, ...]
    stream: bool
    include_usage: bool


def parse_body(raw: bytes) -> dict[str, Any]:
    """The JSON object in a request's body, or OpenAI's 400."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"We could not parse the JSON body of your request: {error}.") from error
    if not isinstance(body, dict):
        raise bad_request("The JSON body of your request must be an object.")
    return body


def find_model(body: Mapping[str, Any]) -> Model:
    """The model that a request names, or OpenAI's 400 or 404."""
    model_id = body.get("model")
    if not isinstance(model_id, str) or not model_id:
        raise bad_request("you must provide a model parameter", "model")
    if model_id not in MODELS:
        raise unknown_model(model_id)
    return MODELS[model_id]


def parse_ask(model: Model, body: Mapping[str, Any]) -> Ask:
    """Check everything that decides on the reply, as the provider would."""
    messages = _messages(body)
    tools = body.get("tools") or ()
    if not isinstance(tools, list | tuple):
        raise _wrong_type("tools", "an array of objects", tools)
    stream = _flag(body, "stream")
    prompt_tokens, content = _measure(model, messages, tools)
    if prompt_tokens > model.max_input_tokens:
        raise bad_request(
            f"This model's maximum context length is {model.max_input_tokens} tokens. However, "
            f"your messages resulted in {prompt_tokens} tokens. "
            "Please reduce the length of the messages.",
            "messages",
            "context_length_exceeded",
        )
    return Ask(
        model=model,
        content=content,
        prompt_tokens=prompt_tokens,
        max_tokens=_max_tokens(model, body),
        n=_count(body, "n", 1, MAX_CHOICES),
        stop=_stop(body),
        stream=stream,
        include_usage=_include_usage(body, stream),
    )


def _measure(model: Model, messages: list[dict[str, Any]], tools: Any) -> tuple[int, bytes]:
    try:
        content = orjson.dumps([model.id, messages, tools], option=orjson.OPT_SORT_KEYS)
        return count_input(model, messages, tools), content
    except TypeError as error:  # orjson writes 254 levels and reads 1,024
        raise bad_request("The messages are nested too deeply.", "messages") from error


def _messages(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages = body.get("messages")
    if messages is None:
        raise bad_request("Missing required parameter: 'messages'.", "messages")
    if not isinstance(messages, list):
        raise _wrong_type("messages", "an array of objects", messages)
    if not messages:
        raise bad_request(
            "Invalid 'messages': empty array. Expected an array with minimum length 1.",
            "messages",
            "empty_array",
        )
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        if not isinstance(message, dict):
            raise _wrong_type(where, "an object", message)
        if message.get("role") not in ROLES:
            raise bad_request(
                f"Invalid value: {message.get('role')!r}. Supported values are: "
                f"{', '.join(repr(role) for role in sorted(ROLES))}.",
                f"{where}.role",
                "invalid_value",
            )
        content = message.get("content")
        if not isinstance(content, str | list | None):
            raise _wrong_type(f"{where}.content", "a string or an array of parts", content)
    return messages


def _max_tokens(model: Model, body: Mapping[str, Any]) -> int:
    name = "max_tokens" if body.get("max_completion_tokens") is None else "max_completion_tokens"
    return min(_count(body, name, model.max_output_tokens), model.max_output_tokens)


def _count(body: Mapping[str, Any], name: str, default: int, most: int | None = None) -> int:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(name, "an integer", value)
    if value < 1 or (most is not None and value > most):
        bound = "minimum value >= 1" if value < 1 else f"maximum value <= {most}"
        code = "integer_below_min_value" if value < 1 else "integer_above_max_value"
        raise bad_request(
            f"Invalid '{name}': expected an integer with a {bound}, but got {value} instead.",
            name,
            code,
        )
    return value


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if not isinstance(value, bool | None):
        raise _wrong_type(name, "a boolean", value)
    return bool(value)


def _stop(body: Mapping[str, Any]) -> tuple[str, ...]:
    value = body.get("stop")
    if value is None:
        return ()
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise _wrong_type("stop", "a string or an array of strings", value)
    if len(stops) > MAX_STOPS:
        raise bad_request(
            f"Invalid 'stop': array too long. Expected at most {MAX_STOPS}, got {len(stops)}.",
            "stop",
            "array_above_max_length",
        )
    return tuple(stop for stop in stops if stop)


def _include_usage(body: Mapping[str, Any], stream: bool) -> bool:
    options = body.get("stream_options")
    if options is None:
        return False
    if not stream:
        raise bad_request(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )
    if not isinstance(options, dict):
        raise _wrong_type("stream_options", "an object", options)
    return _flag(options, "include_usage")


def _wrong_type(name: str, wanted: str, value: object) -> RefusedError:
    found = {list: "an array", dict: "an object", str: "a string", bool: "a boolean"}
    return bad_request(
        f"Invalid type for '{name}': expected {wanted}, "
        f"but got {found.get(type(value), 'another value')} instead.",
        name,
        "invalid_type",
    )

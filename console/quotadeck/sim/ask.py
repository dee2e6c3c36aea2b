"""What a caller asked for, in whichever form, and the checks that the forms share."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from quotadeck.sim.catalogue import MODELS, Model
from quotadeck.sim.errors import RefusedError, bad_request, unknown_model

MAX_STOPS = 4
_IDS = re.compile(rb'"(?:id|call_id|tool_call_id|tool_use_id)":"[^"]*"')


@dataclass(frozen=True, slots=True)
class Function:
    """What an answer may call, and the schema of its arguments."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, checked."""

    model: Model
    content: bytes
    """The request's content in one canonical form: what the reply is drawn from."""
    prompt_tokens: int
    max_tokens: int
    """The caller's bound or the model's own, whichever is lower."""
    n: int = 1
    stop: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    reasons: bool = False
    """It is to think before it answers."""
    functions: tuple[Function, ...] = ()
    """Those that the answer may call."""
    must_call: bool = False
    schema: Mapping[str, Any] | None = None
    """Of the JSON that the answer is to be, where it is to be that."""
    searches: bool = False
    """It may search the web."""
    advised: bool = False
    """A dearer model may be asked on the way, and is billed at its own prices."""
    compacts: bool = False
    """It may summarise what came before, and bill that beside the rest."""
    tiers: tuple[tuple[str, int], ...] = ()
    """Words of the tier that the reply may state, each with its chance in percent."""
    marks: tuple[tuple[int, bool], ...] | None = None
    """Where it is to be cached: so many tokens each, and whether for an hour. None: by itself."""
    context: str = ""
    """The response that it goes on from."""
    echo: Mapping[str, Any] = field(default_factory=dict)
    """What of the request the reply repeats."""


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


def canonical(*content: Any) -> bytes:
    """What the reply is drawn from: ids do not count, which every call makes anew.

    Raises the 400 of what is nested too deeply.
    """
    try:
        return _IDS.sub(b"", orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
    except TypeError as error:  # orjson writes 254 levels and reads 1,024
        raise bad_request("The messages are nested too deeply.", "messages") from error


def fitting(model: Model, prompt_tokens: int, what: str) -> int:
    """The count, or the 400 of an input that is too long; ``what`` is the field that holds it."""
    if prompt_tokens > model.max_input_tokens:
        raise bad_request(
            f"This model's maximum context length is {model.max_input_tokens} tokens. However, "
            f"your messages resulted in {prompt_tokens} tokens. "
            "Please reduce the length of the messages.",
            what,
            "context_length_exceeded",
        )
    return prompt_tokens


def count(body: Mapping[str, Any], name: str, default: int, most: int | None = None) -> int:
    """A positive integer."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(name, "an integer", value)
    if value < 1 or (most is not None and value > most):
        bound = "minimum value >= 1" if value < 1 else f"maximum value <= {most}"
        code = "integer_below_min_value" if value < 1 else "integer_above_max_value"
        raise bad_request(
            f"Invalid '{name}': expected an integer with a {bound}, but got {value} instead.",
            name,
            code,
        )
    return value


def flag(body: Mapping[str, Any], name: str) -> bool:
    """A boolean, false where it is absent."""
    value = body.get(name)
    if not isinstance(value, bool | None):
        raise wrong_type(name, "a boolean", value)
    return bool(value)


def items(body: Mapping[str, Any], name: str) -> list[Any]:
    """A list, empty where it is absent."""
    value = body.get(name) or []
    if not isinstance(value, list):
        raise wrong_type(name, "an array of objects", value)
    return value


def functions_of(
    given: Iterable[Any], schema: str, choice: object
) -> tuple[tuple[Function, ...], bool]:
    """Those that may be called, and whether one must be.

    Args:
        given: The functions as the form has them.
        schema: The member that holds a function's.
        choice: The form's ``tool_choice``: a word, or an object with a type, and a name somewhere.
    """
    found = tuple(
        Function(str(each.get("name", "")), each.get(schema) or {})
        for each in given
        if isinstance(each, dict)
    )
    word = choice.get("type") if isinstance(choice, dict) else choice
    if word == "none":
        return (), False
    named = choice.get("function", choice) if isinstance(choice, dict) else {}
    chosen = tuple(each for each in found if each.name == named.get("name"))
    return chosen or found, bool(found) and word not in (None, "auto")


def stops(body: Mapping[str, Any], name: str = "stop") -> tuple[str, ...]:
    """Stop sequences."""
    value = body.get(name)
    if value is None:
        return ()
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(stop, str) for stop in given):
        raise wrong_type(name, "a string or an array of strings", value)
    if len(given) > MAX_STOPS:
        raise bad_request(
            f"Invalid '{name}': array too long. Expected at most {MAX_STOPS}, got {len(given)}.",
            name,
            "array_above_max_length",
        )
    return tuple(stop for stop in given if stop)


def usage_wanted(body: Mapping[str, Any], stream: bool) -> bool:
    """Whether the stream is to end with its usage."""
    options = body.get("stream_options")
    if options is None:
        return False
    if not stream:
        raise bad_request(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )
    if not isinstance(options, dict):
        raise wrong_type("stream_options", "an object", options)
    return flag(options, "include_usage")


OPENAI_TIERS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "auto": (("flex", 10), ("priority", 10)),
    "priority": (("priority", 100),),
    "fast": (("priority", 100),),
    "flex": (("flex", 100),),
}
"""By what is asked: what the reply may say, each with its chance; what remains is the usual."""


def openai_tiers(body: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """The tiers that the reply to such a request may state."""
    return OPENAI_TIERS.get(str(body.get("service_tier")), ())


def wrong_type(name: str, wanted: str, value: object) -> RefusedError:
    """The 400 that names both types."""
    found = {list: "an array", dict: "an object", str: "a string", bool: "a boolean"}
    return bad_request(
        f"Invalid type for '{name}': expected {wanted}, "
        f"but got {found.get(type(value), 'another value')} instead.",
        name,
        "invalid_type",
    )

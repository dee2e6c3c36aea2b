"""Checks of a request's fields, the same in every dialect: what is wrong is named."""

from typing import Any, Final

from quotadeck.dialects.request_json import read_json
from quotadeck.domain.refusals import BadField, NotJson

MAX_OUTPUT_TOKENS: Final = 10_000_000
MAX_MODEL_CHARS: Final = 200
_MOST_RETRIES: Final = 1_000
_NO_LIMIT: Final = -1
"""What clients of llama.cpp and its like send for it."""


def read_object(body: bytes, messages: str) -> dict[str, Any]:
    """The body's JSON object. Raises NotJson, or BadField as of `read_json`."""
    fields = read_json(body, messages)
    if not isinstance(fields, dict):
        raise NotJson(f"it is {kind_of(fields)}, not an object")
    return fields


def model_of(fields: dict[str, Any]) -> str:
    """The model that is asked for. Raises BadField."""
    model: str = typed(fields, "model", str)
    if not model or len(model) > MAX_MODEL_CHARS:
        raise BadField("model", f"must be a name of 1 to {MAX_MODEL_CHARS} characters")
    return model


def typed(fields: dict[str, Any], name: str, kind: type[str] | type[list[Any]]) -> Any:
    """A member that must be there. Raises BadField."""
    value = fields.get(name)
    if value is None:
        raise BadField(name, "is missing")
    if not isinstance(value, kind):
        wanted = "a string" if kind is str else "a list"
        raise BadField(name, f"must be {wanted}, not {kind_of(value)}")
    return value


def flag(fields: dict[str, Any], name: str, prefix: str = "") -> bool:
    """True or false; false where it is absent or null. Raises BadField."""
    value = fields.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise BadField(prefix + name, f"must be true or false, not {kind_of(value)}")
    return value


def count(fields: dict[str, Any], name: str, most: int) -> int | None:
    """A whole number from 1, also written as 100.0; None where it is absent. Raises BadField."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadField(name, f"must be a whole number, not {kind_of(value)}")
    if not 1 <= value <= most:
        raise BadField(name, f"is {str(value)[:30]}, and must be from 1 to {most:,}")
    return value


def most_tokens(fields: dict[str, Any], name: str, sent: dict[str, Any]) -> int | None:
    """The most output tokens, as the client means them: -1 is no limit.

    What the upstream is ``sent`` in the member's place is added there, where it is another.
    """
    if name not in fields:
        return None
    if fields[name] == _NO_LIMIT and not isinstance(fields[name], bool):
        sent[name] = None
        return None
    value = count(fields, name, MAX_OUTPUT_TOKENS)
    if value is not None and isinstance(fields[name], float):
        sent[name] = value
    return value


def retries(header: bytes) -> int:
    """How often the client tried before, of the SDKs' x-stainless-retry-count."""
    return min(int(header), _MOST_RETRIES) if header.isdigit() and len(header) < 6 else 0


def kind_of(value: object) -> str:
    """What a value of JSON is, in words."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    if value is None:
        return "null"
    return names.get(type(value), f"the number {str(value)[:30]}")

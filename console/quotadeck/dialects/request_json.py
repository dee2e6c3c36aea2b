"""A request's JSON, read once and written again for the upstream with every number as it was."""

import json
import re
from typing import Any

import orjson

from quotadeck.domain.refusals import BadField, NotJson

MAX_NESTING = 254
"""What orjson writes; it reads deeper, and the body must be written again for the upstream."""

_DIGIT = re.compile(rb"[0-9]")
_LONG_NUMBER = re.compile(rb"[0-9]{19}")
"""orjson reads a whole number of more than 64 bits as a float, and its last digits are gone."""
_NUMBER = re.compile(r"-?[0-9][-+.0-9eE]*")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_SHOWN_CHARS = 40


def read_json(body: bytes, messages: str) -> Any:
    """The value. Raises NotJson, or BadField for half a character in one of the ``messages``.

    That is the field with a list of them.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _refusal(body, error, messages) from None
    if body.count(b"[") + body.count(b"{") > MAX_NESTING:
        try:
            orjson.dumps(value)
        except orjson.JSONEncodeError:
            raise NotJson(f"it is nested more than {MAX_NESTING} deep") from None
    return json.loads(body) if _has_long_number(body) else value


def write_json(value: Any) -> bytes:
    """The bytes of what `read_json` has read."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # a number of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _has_long_number(body: bytes) -> bool:
    """Of 19 digits in a row one is at each 19th place: those are looked at first."""
    return bool(_DIGIT.search(body[18::19]) and _LONG_NUMBER.search(body))


def _refusal(body: bytes, error: orjson.JSONDecodeError, messages: str) -> NotJson | BadField:
    try:
        text = body.decode()
    except UnicodeDecodeError as wrong:
        return NotJson(f"byte {wrong.start} is not UTF-8")
    if "infinity" in error.msg:
        found = _NUMBER.match(text, error.pos)
        number = found.group()[:_SHOWN_CHARS] if found else "a number"
        return NotJson(f"{number} (character {error.pos}) is out of range for a number")
    if "surrogate" in error.msg:
        return _half_character(text, error, messages)
    return NotJson(str(error))


def _half_character(text: str, error: orjson.JSONDecodeError, messages: str) -> NotJson | BadField:
    """Names the message: who resends a conversation must know which one to mend."""
    try:
        listed = json.loads(text)[messages]
        halves = ((index, _half_in(message)) for index, message in enumerate(listed))
        index, half = next((index, half) for index, half in halves if half)
    except (ValueError, LookupError, TypeError, RecursionError, StopIteration):
        return NotJson(str(error))
    return BadField(
        f"{messages}[{index}]",
        f"holds half a character (\\u{ord(half):04x}, a surrogate without its other half); "
        "cut texts between characters",
    )


def _half_in(message: Any) -> str:
    found = _HALF_CHARACTER.search(json.dumps(message, ensure_ascii=False))
    return found.group() if found else ""

"""JSON as providers write it."""

import json
import re
from typing import Any, Final

import orjson

MAX_NESTING: Final = 254
"""What orjson writes; it reads deeper. An object of so many levels has twice as many bytes."""
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB]\w{2}\\u[dD][c-fC-F]\w{2}|u[dD][89a-fA-F]\w{2}|.)", re.DOTALL
)
"""An escape: a pair of halves, one of 6 characters that is half, or any other."""
_HALF_CHARS: Final = 6
_LEAST, _MOST = -(2**63), 2**64 - 1


def loads(data: bytes) -> Any:
    """The value, also with NaN and infinities, half surrogates, or a byte order mark before it.

    Whatever is read can be written again, by orjson too: half a character is U+FFFD, a whole number
    of more than 64 bits a float. Raises ValueError for what the official SDKs cannot read either,
    and for what is nested more than 254 deep.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = _read_loosely(data.decode("utf-8-sig", "replace"))
    if len(data) > 2 * MAX_NESTING and data.count(b"[") + data.count(b"{") > MAX_NESTING:
        try:
            orjson.dumps(value)
        except orjson.JSONEncodeError:
            raise ValueError("it is nested too deep") from None
    return value


def _read_loosely(text: str) -> Any:
    try:
        return json.loads(_ESCAPE.sub(_whole_character, text), parse_int=_number)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _whole_character(escape: re.Match[str]) -> str:
    found = escape.group()
    return "\\ufffd" if len(found) == _HALF_CHARS else found


def _number(text: str) -> int | float:
    value = float(text)
    if -1e18 < value < 1e18:
        return int(text)
    if value > 1e20 or value < -1e20:
        return value
    whole = int(text)
    return whole if _LEAST <= whole <= _MOST else value

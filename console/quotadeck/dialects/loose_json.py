"""JSON as providers write it."""

import json
from typing import Any

import orjson


def loads(data: bytes) -> Any:
    """The value, also with NaN and infinities, half surrogates, or a byte order mark before it.

    Raises ValueError for what the official SDKs cannot read either.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(data.decode("utf-8-sig", "replace"))
    except RecursionError:
        raise ValueError("it is nested too deep") from None

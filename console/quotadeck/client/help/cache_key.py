"""The key of a request in the cache: the same for bodies that ask the same, however written."""

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from typing import Any


def cache_key(
    body: Mapping[str, Any],
    project: str = "",
    without: Collection[str] = (),
    *,
    of: str = "",
    streamed: bool = False,
) -> str:
    """A digest of a body as JSON, of one project's: no project reads what another was answered.

    ``of`` is who is asked: the same body has another answer elsewhere. A stream is none for who
    asked for a whole reply.
    The order of an object's members is of no account, and 1 and 1.0 are the same number.
    ``without`` are members that do not change the answer, such as ``user``. Raises TypeError for
    what is no JSON, and ValueError for a number that is none.
    """
    told = {str(name): value for name, value in body.items() if name not in without}
    text = json.dumps([project, of, streamed, _plain(told)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no number of JSON's")
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        if any(not isinstance(name, str) for name in value):
            raise TypeError("an object's members have texts for names")
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    dump = getattr(value, "model_dump", None)  # an SDK's object, such as the message of a reply
    if callable(dump):
        return _plain(dump(mode="json", exclude_unset=True))
    raise TypeError(f"{type(value).__name__} is nothing that a request's body holds")

"""The first format of the command log's entries, which had no number: made into the second's.

Its values and errors were texts for people. What such a log says is read for ever, so this stays
as it is, whatever becomes of entries: the next format has a file like it, which goes on from the
second.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_KEY: Final = re.compile(r"(.*?)(?: \((.*)\))?")
_NOTHING: Final = frozenset({"", "unlimited", "running", "none"})
_REASON: Final = {"undo": "undoes ", "end": "the end of "}
"""Reasons that the gateway gave itself, before the id of the command that they are about."""


def upgraded(content: Mapping[str, Any]) -> dict[str, Any]:
    """An entry's JSON object as the second format has it. Raises KeyError or TypeError."""
    field, action, value = content["field"], content["action"], content["value"]
    reason, of = content["reason"], ""
    if reason.startswith(own := _REASON.get(action, "\n")):
        reason, of = "", reason.removeprefix(own)
    return {
        **_ending(content),
        **content,
        "value": _key(value) if field == "key" and isinstance(value, str) else value,
        **{name: _value(field, content.get(name, "")) for name in ("before", "after", "then")},
        "reason": reason,
        "of": of,
        "idle": action == "end" and not content["before"],
        "refused": None if content["applied"] else _refused(content["error"]),
    }


def _ending(content: Mapping[str, Any]) -> dict[str, Any]:
    """An entry from before durations and times of day were told apart ends after a duration."""
    at_us, until_us = content["at_us"], content["until_us"]
    for_ms = None if until_us is None else (until_us - at_us) // 1_000
    return {"for_ms": for_ms, "steady_us": at_us}


def _value(field: str | None, text: str) -> Any:
    """The value that the text was for: ``40``, ``$12.50``, ``paused``, ``unlimited``."""
    if text in _NOTHING:
        return None
    if field == "paused":
        return text == "paused" or text
    if field == "key":
        projects, label = _KEY.fullmatch(text).groups("")  # type: ignore[union-attr]
        return {"sha256": "", "projects": projects.split(", "), "label": label}
    if field == "daily_budget_usd":
        dollars, _, rest = text.removeprefix("$").partition(".")
        digits = dollars + rest.ljust(9, "0")
        return int(digits) if digits.isdecimal() and len(rest) <= 9 else text
    return int(text) if field != "target" and text.isdecimal() else text


def _key(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value  # of a refused command: as it was asked


def _refused(error: str) -> dict[str, Any]:
    code, _, text = error.partition(": ")
    return {"code": code, "notice": {"kind": "refused.told", "facts": {"text": text}}}

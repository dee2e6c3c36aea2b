"""A refusal's facts as they are put into the words of a dialect: cleaned, and in their unit."""

from typing import Any

from quotadeck.domain.days import rfc3339
from quotadeck.domain.money import usd_exact
from quotadeck.domain.text import clean, clean_lines

_MAX_CHARS = 300
_MAX_LONG_CHARS = 1_200
"""More than an upstream's own words and ours around them."""


class _Text(str):
    """``{name:nobody}`` in words gives ``nobody`` where the text is empty."""

    __slots__ = ()

    def __format__(self, instead: str) -> str:
        return str(self) or instead


class _Bytes(int):
    """``{size:MB}`` in words gives megabytes."""

    def __format__(self, spec: str) -> str:
        return f"{self / 1024 / 1024:,.0f}" if spec == "MB" else format(int(self), spec)


def facts_of(refusal: Exception, *, long: bool = False) -> dict[str, Any]:
    """Its fields by name. What a number is, the end of its name says.

    Of ``_nano`` dollars are shown, of ``_us`` the time, of ``_ms`` seconds; with ``long``, texts
    may have lines.
    """
    return {name: _shown(name, value, long=long) for name, value in vars(refusal).items()}


def _shown(name: str, value: Any, *, long: bool) -> Any:
    if type(value) is int:
        if name.endswith("_nano"):
            return usd_exact(max(0, value))
        if name.endswith("_us"):
            return rfc3339(value)
        if name.endswith("_ms"):
            return f"{value / 1_000:.3f}"
        return _Bytes(value) if name.endswith("_bytes") else value
    if isinstance(value, str):
        return _Text(clean_lines(value, _MAX_LONG_CHARS) if long else clean(value, _MAX_CHARS))
    if type(value) is tuple:
        return ", ".join([clean(str(one), _MAX_CHARS) for one in value])
    return value

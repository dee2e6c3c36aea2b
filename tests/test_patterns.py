"""The patterns of the package, read as every Python reads them that it promises to run on."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import quotadeck

_PARSER: Any = importlib.import_module("re._parser")


def _patterns() -> Iterator[tuple[str, "re.Pattern[Any]"]]:
    for found in pkgutil.walk_packages(quotadeck.__path__, "quotadeck."):
        if found.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(found.name)).items():
            several = value if isinstance(value, tuple) else (value,)
            for one in several:
                if isinstance(one, re.Pattern):
                    yield f"{found.name}.{name}", one


def keeps_a_group(pattern: str | bytes) -> bool:
    """Whether a group of several is repeated possessively, or is atomic."""
    return _keeps(_PARSER.parse(pattern))


def _keeps(parsed: Any) -> bool:
    for what, how in parsed:
        if str(what) == "ATOMIC_GROUP":
            return True
        if str(what) == "POSSESSIVE_REPEAT" and not _is_one(how[2]):
            return True
        if any(_keeps(inner) for inner in _inside(how)):
            return True
    return False


def _is_one(parsed: Any) -> bool:
    """One character of a class: what the engine repeats without a stack."""
    return len(parsed) == 1 and str(parsed[0][0]) in ("IN", "LITERAL", "NOT_LITERAL", "ANY")


def _inside(how: Any) -> Iterator[Any]:
    if isinstance(how, _PARSER.SubPattern):
        yield how
    elif isinstance(how, tuple | list):
        for part in how:
            yield from _inside(part)


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        (r"[a-z]++(?:\r\n)*", False),
        (r"(?:\r\na)*+", True),
        (r"(a|(?:bc)++)?", True),
        (r"(?>ab)", True),
        (rb"x*+y", False),
    ],
)
def test_the_look_sees_a_group_that_is_kept(pattern: str | bytes, kept: bool) -> None:
    assert keeps_a_group(pattern) is kept


def test_no_pattern_keeps_a_group() -> None:
    """Python up to 3.11.4, Debian 12's among them, reads such a one wrongly: the gateway took no
    request at all."""
    patterns = list(_patterns())
    assert len(patterns) > 20
    assert not [name for name, pattern in patterns if keeps_a_group(pattern.pattern)]

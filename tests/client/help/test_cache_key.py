"""The key of a request in the cache: one for all ways to write the same, and for no other."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quotadeck.client.help.cache_key import cache_key
from tests.client.help.test_cache import BODY

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)  # fmt: skip
BODIES = st.dictionaries(st.text(), JSON, max_size=5)


def shuffled(value: Any) -> Any:
    """The same, written down otherwise."""
    if isinstance(value, dict):
        return {name: shuffled(value[name]) for name in reversed(value)}
    if isinstance(value, list):
        return tuple(shuffled(one) for one in value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**50:
        return float(value)
    return value


@settings(max_examples=40)
@given(BODIES, st.text())
def test_the_same_body_has_one_key_however_it_is_written(
    body: dict[str, Any], project: str
) -> None:
    assert cache_key(body, project) == cache_key(shuffled(body), project)
    assert cache_key(body, project) != cache_key(body, project + "x")


def plain(value: Any) -> Any:
    """As `repr` tells values apart, less what JSON does not."""
    if isinstance(value, dict):
        return sorted((name, plain(inner)) for name, inner in value.items())
    if isinstance(value, list):
        return [plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@settings(max_examples=40)
@given(BODIES, BODIES)
def test_different_bodies_have_different_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (repr(plain(one)) == repr(plain(other))) == (cache_key(one) == cache_key(other))


def test_what_does_not_change_the_answer_can_be_left_out() -> None:
    assert cache_key({**BODY, "user": "a"}, without=["user"]) == cache_key(BODY)
    assert cache_key({**BODY, "user": "a"}) != cache_key(BODY)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", object(), {1: 2}])
def test_what_is_no_body_has_no_key(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        cache_key({"a": value})

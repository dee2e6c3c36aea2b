"""Usage as upstreams state it: believed where it can be, else absent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.gateway.usage import MAX_BELIEVED_TOKENS, Usage, read_usage

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
FIELDS = ("prompt_tokens", "completion_tokens", "prompt_tokens_details", "total_tokens")


def test_cached_tokens_are_part_of_the_input() -> None:
    stated = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 60},
    }
    assert read_usage(stated) == Usage(100, 60, 20)
    assert Usage(100, 60, 20).total == 120


@pytest.mark.parametrize(
    "details",
    [None, [], {}, {"cached_tokens": None}, {"cached_tokens": 101}, {"cached_tokens": -1}],
)
def test_cached_tokens_that_make_no_sense_are_charged_in_full(details: object) -> None:
    stated = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": details}
    assert read_usage(stated) == Usage(100, 0, 20)


@pytest.mark.parametrize(
    "tokens", [None, True, 1.0, "7", -1, MAX_BELIEVED_TOKENS + 1, 10**30, [7], {}]
)
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_figure_that_cannot_be_is_not_believed(name: str, tokens: object) -> None:
    assert read_usage({"prompt_tokens": 1, "completion_tokens": 1, name: tokens}) is None


@given(st.one_of(ANYTHING, st.dictionaries(st.sampled_from(FIELDS), ANYTHING)))
def test_whatever_is_stated_is_a_sound_usage_or_none(stated: Any) -> None:
    usage = read_usage(stated)
    if usage is not None:
        assert 0 <= usage.cached_tokens <= usage.input_tokens <= MAX_BELIEVED_TOKENS
        assert 0 <= usage.output_tokens <= MAX_BELIEVED_TOKENS

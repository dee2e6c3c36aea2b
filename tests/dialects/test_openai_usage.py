"""Usage as upstreams state it: believed where it can be, else absent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.dialects.counts import MAX_BELIEVED_TOKENS
from quotadeck.dialects.openai.usage import UsageReader, delivers
from quotadeck.domain.usage import Usage

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
TOKENS = st.one_of(
    st.integers(-2, 200), st.floats(), st.integers(0, 200).map(float), st.booleans(), st.none()
)
FIELDS = (
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "cached_tokens",
    "prompt_cache_hit_tokens",
    "cache_creation_input_tokens",
)
DETAILS = ("prompt_tokens_details", "completion_tokens_details")
DETAIL_FIELDS = ("cached_tokens", "cache_write_tokens", "reasoning_tokens")
STATED = st.builds(
    lambda fields, details: {**fields, **details},
    st.dictionaries(st.sampled_from(FIELDS), TOKENS | ANYTHING),
    st.dictionaries(
        st.sampled_from(DETAILS),
        st.dictionaries(st.sampled_from(DETAIL_FIELDS), TOKENS) | ANYTHING,
    ),
)


def usage_of(*stated: object, delivered: bool = True) -> Usage | None:
    reader = UsageReader()
    for one in stated:
        reader.see({"usage": one})
    return reader.usage(delivered=delivered)


def stated(prompt: object = 100, completion: object = 20, **more: object) -> dict[str, object]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, **more}


@pytest.mark.parametrize(
    "names",
    [
        {"prompt_tokens_details": {"cached_tokens": 60}},
        {"prompt_cache_hit_tokens": 60, "prompt_cache_miss_tokens": 40},
        {"cached_tokens": 60},
        {"cached_tokens": 60.0, "prompt_tokens_details": {"cached_tokens": None}},
        {"cache_read_input_tokens": 60, "prompt_tokens_details": {"cached_tokens": 60}},
    ],
    ids=["openai", "deepseek", "moonshot", "float", "litellm"],
)
def test_cached_tokens_are_part_of_the_input_by_whatever_name(names: dict[str, object]) -> None:
    assert usage_of(stated(**names)) == Usage(100, 60, 20)
    assert Usage(100, 60, 20).total == 120


@pytest.mark.parametrize(
    "names",
    [
        {"prompt_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 60}},
        {"prompt_tokens_details": {"cached_tokens": 10, "cache_creation_tokens": 60}},
        {"cache_creation_input_tokens": 60, "cache_read_input_tokens": 10},
    ],
)
def test_cache_writes_are_part_of_the_input_by_whatever_name(names: dict[str, object]) -> None:
    assert usage_of(stated(**names)) == Usage(100, 10, 20, cache_write_tokens=60)


@pytest.mark.parametrize(
    "details",
    [None, [], {}, {"cached_tokens": None}, {"cached_tokens": 101}, {"cached_tokens": -1}],
)
def test_cached_tokens_that_make_no_sense_are_charged_in_full(details: object) -> None:
    assert usage_of(stated(prompt_tokens_details=details)) == Usage(100, 0, 20)


@pytest.mark.parametrize("write", [41, 1_000, -1, True, "9", 0.5])
def test_cache_writes_that_make_no_sense_are_charged_as_plain_input(write: object) -> None:
    details = {"cached_tokens": 60, "cache_write_tokens": write}
    assert usage_of(stated(prompt_tokens_details=details)) == Usage(100, 60, 20)


@pytest.mark.parametrize(
    ("more", "output", "reasoning"),
    [
        ({"total_tokens": 150, "completion_tokens_details": {"reasoning_tokens": 30}}, 50, 30),
        ({"total_tokens": 150}, 50, 0),
        ({"total_tokens": 120, "completion_tokens_details": {"reasoning_tokens": 15}}, 20, 15),
        ({"completion_tokens_details": {"reasoning_tokens": 20}}, 20, 20),
        ({"completion_tokens_details": {"reasoning_tokens": 35}}, 55, 35),
        ({"total_tokens": 120, "completion_tokens_details": {"reasoning_tokens": 35}}, 20, 20),
        ({"total_tokens": 90}, 20, 0),
        ({"total_tokens": 10**12}, 20, 0),
        ({"total_tokens": None, "completion_tokens_details": 7}, 20, 0),
    ],
    ids=[
        "beside",
        "beside-untold",
        "within",
        "all-of-it",
        "more-than-all",
        "more-than-all-but-within-the-total",
        "total-too-small",
        "total-absurd",
        "none",
    ],
)
def test_reasoning_is_charged_once_within_the_output_or_beside_it(
    more: dict[str, object], output: int, reasoning: int
) -> None:
    assert usage_of(stated(**more)) == Usage(100, 0, output, reasoning_tokens=reasoning)


@pytest.mark.parametrize(
    ("told", "hour_long"),
    [
        ({"cache_creation": {"ephemeral_1h_input_tokens": 25}}, 25),
        (
            {
                "prompt_tokens_details": {
                    "cache_creation_token_details": {"ephemeral_1h_input_tokens": 25}
                }
            },
            25,
        ),
        ({"cache_creation": {"ephemeral_1h_input_tokens": 999}}, 60),
        ({"cache_creation": {"ephemeral_1h_input_tokens": -1}}, 0),
        ({"cache_creation": 7}, 0),
    ],
    ids=["anthropic", "litellm", "more-than-all", "absurd", "none"],
)
def test_what_is_written_to_a_cache_for_an_hour_is_told_apart(
    told: dict[str, object], hour_long: int
) -> None:
    usage = usage_of(stated(cache_creation_input_tokens=60, **told))
    assert usage == Usage(100, 0, 20, 60, hour_long)


@pytest.mark.parametrize(
    "tokens",
    [
        *(None, True, 1.5, "7", -1, -1.0, [7], {}),
        *(MAX_BELIEVED_TOKENS + 1, 2.0**53, 10**30, float("nan"), float("inf")),
    ],
)
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_figure_that_cannot_be_is_not_believed(name: str, tokens: object) -> None:
    assert usage_of({**stated(), name: tokens}) is None


def test_whole_number_written_with_a_point_is_believed() -> None:
    assert usage_of(stated(1000.0, 100.0, total_tokens=1100.0)) == Usage(1000, 0, 100)


def test_zeros_are_believed_only_where_nothing_was_delivered() -> None:
    assert usage_of(stated(0, 0)) is None
    assert usage_of(stated(100, 0)) is None
    assert usage_of(stated(0, 0), delivered=False) == Usage(0, 0, 0)


def test_of_each_figure_the_greatest_counts_whenever_it_came() -> None:
    real = stated(100, 20, total_tokens=150, cached_tokens=60)
    assert usage_of(stated(0, 0), real, stated(0, 0), stated(100, 3)) == Usage(100, 60, 50)
    # The total of a moment says nothing of the reasoning at the end.
    assert usage_of(stated(0, 0, total_tokens=100), stated(100, 20)) == Usage(100, 0, 20)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"role": "assistant", "content": ""}, False),
        ({"role": "assistant"}, False),
        (None, False),
        ("text", False),
        ({"content": "hi"}, True),
        ({"content": None, "tool_calls": [{"id": "c"}]}, True),
        ({"reasoning_content": "hm"}, True),
    ],
)
def test_message_delivers_what_is_not_its_role(message: object, says: bool) -> None:
    assert delivers(message) is says


@given(st.lists(st.one_of(ANYTHING, STATED), max_size=3), st.booleans())
def test_whatever_is_stated_is_a_sound_usage_or_none(stated: list[Any], delivered: bool) -> None:
    usage = usage_of(*stated, delivered=delivered)
    if usage is not None:
        assert usage.cached_tokens >= 0
        assert usage.cache_write_tokens >= 0
        assert usage.cached_tokens + usage.cache_write_tokens <= usage.input_tokens
        assert 0 <= usage.cache_write_1h_tokens <= usage.cache_write_tokens
        assert 0 <= usage.reasoning_tokens <= usage.output_tokens
        assert usage.input_tokens <= MAX_BELIEVED_TOKENS
        assert 0 <= usage.output_tokens <= 2 * MAX_BELIEVED_TOKENS

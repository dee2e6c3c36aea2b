"""Usage by Anthropic's rules: of all that it states, what is billed."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.dialects.messages.usage import UsageReader
from quotadeck.domain.usage import Usage


def usage_of(*told: dict[str, Any], delivered: bool = True) -> Usage | None:
    reader = UsageReader()
    for one in told:
        reader.see(one)
    return reader.usage(delivered=delivered)


PLAIN = {"input_tokens": 12, "output_tokens": 34}
COMPACTION = {"type": "compaction", "input_tokens": 1_000, "output_tokens": 200}


@pytest.mark.parametrize(
    ("more", "right"),
    [
        ({}, Usage(12, 0, 34)),
        # The input is told without what caches gave and took.
        ({"cache_read_input_tokens": 900}, Usage(912, 900, 34)),
        ({"cache_creation_input_tokens": 500}, Usage(512, 0, 34, 500)),
        (
            {
                "cache_creation_input_tokens": 500,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 100,
                    "ephemeral_1h_input_tokens": 400,
                },
            },
            Usage(512, 0, 34, 500, 400),
        ),
        # The split alone tells as much.
        ({"cache_creation": {"ephemeral_5m_input_tokens": 100}}, Usage(112, 0, 34, 100)),
        ({"output_tokens_details": {"thinking_tokens": 30}}, Usage(12, 0, 34, reasoning_tokens=30)),
        ({"output_tokens_details": {"thinking_tokens": 99}}, Usage(12, 0, 34, reasoning_tokens=34)),
        ({"server_tool_use": {"web_search_requests": 3}}, Usage(12, 0, 34, web_searches=3)),
        ({"service_tier": "standard", "inference_geo": "global"}, Usage(12, 0, 34)),
        ({"service_tier": "priority"}, Usage(12, 0, 34, tier="priority")),
        (
            {"inference_geo": "us", "speed": "fast", "service_tier": "priority"},
            Usage(12, 0, 34, tier="priority+fast+us"),
        ),
        # A message's own turns are in the sums; what is beside them is billed too.
        ({"iterations": [{"type": "message", **PLAIN}]}, Usage(12, 0, 34)),
        ({"iterations": [COMPACTION, {"type": "message", **PLAIN}]}, Usage(1_012, 0, 234)),
        (
            {
                "iterations": [
                    {"type": "advisor_message", "cache_read_input_tokens": 7, **PLAIN},
                    {"type": "fallback_message", "cache_creation_input_tokens": 5, **PLAIN},
                ]
            },
            Usage(12 * 3 + 7 + 5, 7, 34 * 3, 5),
        ),
        # What another model used is told apart, for it has prices of its own.
        (
            {"iterations": [{"type": "advisor_message", "model": "haiku", **PLAIN}, COMPACTION]},
            Usage(1_012, 0, 234, beside=(("haiku", Usage(12, 0, 34)),)),
        ),
        ({"input_tokens": 12.0}, Usage(12, 0, 34)),
        # A count that cannot be: what stands beside it is no bill.
        ({"input_tokens": -1}, None),
        ({"cache_read_input_tokens": 10**12}, None),
        ({"cache_read_input_tokens": None, "iterations": None}, Usage(12, 0, 34)),
    ],
)
def test_what_is_stated_is_billed(more: dict[str, Any], right: Usage | None) -> None:
    assert usage_of({**PLAIN, **more}) == right


def test_of_a_stream_the_greatest_of_each_count_holds() -> None:
    begun = {"input_tokens": 12, "cache_read_input_tokens": 900, "output_tokens": 1}
    later = {"input_tokens": 10, "output_tokens": 34, "iterations": [COMPACTION]}
    last = {"output_tokens": 0, "iterations": [COMPACTION], "cache_read_input_tokens": 0}
    assert usage_of(begun, later, last) == Usage(1_912, 900, 234)


@pytest.mark.parametrize("told", [{}, {"input_tokens": 12}, {"output_tokens": "34"}])
def test_what_says_nothing_of_the_output_is_no_usage(told: dict[str, Any]) -> None:
    assert usage_of(told) is None


def test_nothing_used_is_believed_where_nothing_came() -> None:
    nothing = {"input_tokens": 12, "output_tokens": 0}
    assert usage_of(nothing) is None
    assert usage_of(nothing, delivered=False) == Usage(12, 0, 0)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    *("input_tokens", "output_tokens", "cache_creation", "iterations", "type"),
                    *("cache_read_input_tokens", "ephemeral_1h_input_tokens", "speed"),
                    *("server_tool_use", "web_search_requests", "service_tier"),
                )
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.lists(_JSON, max_size=4))
def test_whatever_is_stated_is_a_usage_or_none(told: list[Any]) -> None:
    usage = usage_of(*told)
    if usage is not None:
        assert usage.cached_tokens + usage.cache_write_tokens <= usage.input_tokens
        assert 0 <= usage.cache_write_1h_tokens <= usage.cache_write_tokens
        assert all(math.isfinite(each) for each in usage if isinstance(each, int))

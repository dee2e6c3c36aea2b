"""The simulator's own arithmetic: tokens, money, limits, drawing."""

from fractions import Fraction
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quotadeck.sim.ask import Ask
from quotadeck.sim.catalogue import MODELS, RESOLD
from quotadeck.sim.errors import RefusedError
from quotadeck.sim.forms.chat_request import parse_chat
from quotadeck.sim.limits import NS_PER_MINUTE, Limits
from quotadeck.sim.plan import draw
from quotadeck.sim.prices import Prices, Spent, bill_nano
from quotadeck.sim.tokens import count_input, count_text

from .driver import MODEL, body

GPT = MODELS[MODEL]
OPUS = MODELS["claude-opus-4.7"]
models = st.sampled_from(list(MODELS.values()))


def ask(text: str = "Say hello.", **more: object) -> Ask:
    return parse_chat(GPT, body(text, **more))


@settings(max_examples=60)
@given(models, st.lists(st.text(), max_size=8))
def test_input_never_has_more_tokens_than_bytes_and_four_a_message(
    model: object, texts: list[str]
) -> None:
    assert isinstance(model, type(GPT))
    messages = [{"role": "user", "content": text} for text in texts] or [{"role": "user"}]
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    assert len(messages) <= count_input(model, messages) <= size + 4 * len(messages)


def test_english_is_about_four_bytes_a_token_and_japanese_one_and_a_half_tokens_a_character() -> (
    None
):
    assert 230 <= count_text(GPT, "word " * 200) <= 270
    assert count_text(GPT, "要約" * 100) == 300
    assert count_text(GPT, "") == 0


_COUNTS = st.integers(0, 10**6)
_PRICES = st.integers(0, 10**8)


@given(
    st.builds(
        Prices,
        *[_PRICES] * 5,
        search_nano=_PRICES,
        tiers=st.fixed_dictionaries({"priority": st.integers(1, 9_999), "us": st.just(1_100)}),
        long_above=st.integers(0, 10**6),
        long_input=st.integers(1, 9_999),
        long_output=st.integers(1, 9_999),
    ),
    *[_COUNTS] * 6,
    st.sampled_from([(), ("priority",), ("us",), ("priority", "us"), ("unknown",)]),
)
def test_cost_is_exact_and_rounded_once_half_to_even(
    prices: Prices,
    fresh: int,
    cached: int,
    minutes: int,
    hour: int,
    output: int,
    searches: int,
    tier: tuple[str, ...],
) -> None:
    whole = fresh + cached + minutes + hour
    spent = Spent(whole, output, cached, minutes + hour, hour, 0, searches, tier)
    taken, given_out = Fraction(1), Fraction(1)
    if prices.long_above and whole > prices.long_above:
        taken, given_out = Fraction(prices.long_input, 1000), Fraction(prices.long_output, 1000)
    pico = taken * (
        fresh * prices.input
        + cached * prices.cached
        + minutes * prices.written
        + hour * prices.written_1h
    )
    pico += given_out * output * prices.output
    for word in tier:
        pico *= Fraction(prices.tiers.get(word, 1000), 1000)
    assert bill_nano(prices, spent) == round(pico / 1000 + searches * prices.search_nano)


def test_prices_are_those_of_the_article() -> None:
    per_million = {model.id: bill_nano(model.prices, Spent(0, 10**6)) / 10**9 for model in RESOLD}
    assert per_million == {
        "claude-opus-4.7": 15.0,
        "gpt-4.1": 8.0,
        "gemini-2.5-flash": 2.5,
        "deepseek-v3.2": 0.42,
    }


def test_the_same_seed_and_content_give_the_same_reply() -> None:
    assert draw(1, ask(), 1.0) == draw(1, ask(stream=True), 1.0)
    assert draw(1, ask(), 1.0) != draw(2, ask(), 1.0)
    assert draw(1, ask(), 1.0) != draw(1, ask("Say goodbye."), 1.0)


def test_a_conversation_goes_on_as_before_whatever_the_ids_of_its_calls() -> None:
    def after(call_id: str, arguments: str) -> Ask:
        call: dict[str, object] = {"id": call_id, "type": "function"}
        call |= {"function": {"name": "note", "arguments": arguments}}
        messages = [
            {"role": "user", "content": "Say hello."},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call_id, "content": "done"},
        ]
        return parse_chat(GPT, {"model": MODEL, "messages": messages})

    assert draw(1, after("call_1", "{}"), 1.0) == draw(1, after("call_2", "{}"), 1.0)
    assert draw(1, after("call_1", "{}"), 1.0) != draw(1, after("call_1", "[]"), 1.0)


def test_output_lengths_have_a_long_tail() -> None:
    lengths = [draw(1, ask(f"Question {i}."), 0).completion_tokens for i in range(2000)]
    typical = median(lengths)
    assert 0.85 * GPT.median_output_tokens < typical < 1.15 * GPT.median_output_tokens
    assert sorted(lengths)[-20] > 4 * typical


def test_speed_scales_delays_and_zero_ends_them() -> None:
    plain, half, none = (draw(1, ask(), speed) for speed in (1.0, 0.5, 0.0))
    assert half.first_token_s == pytest.approx(plain.first_token_s / 2)
    assert half.per_token_s == pytest.approx(plain.per_token_s / 2)
    assert (none.first_token_s, none.per_token_s) == (0.0, 0.0)
    assert plain.choices == none.choices


def test_cached_tokens_come_in_steps_of_long_prompts_only() -> None:
    assert draw(1, ask("short"), 0).spent.cached == 0
    cached = [draw(1, ask(f"{i}" + " word" * 2000), 0) for i in range(20)]
    assert all(plan.spent.cached % 128 == 0 for plan in cached)
    assert all(plan.spent.cached <= plan.spent.input for plan in cached)
    assert any(plan.spent.cached for plan in cached)


def test_limits_refill_without_drift() -> None:
    limits = Limits(enforced=True)
    admitted, now_ns, step_ns = 0, 0, 7_000_001
    while now_ns < 3 * NS_PER_MINUTE:
        try:
            limits.take(OPUS, 1, now_ns)
            admitted += 1
        except RefusedError:
            pass
        now_ns += step_ns
    assert 50 + 150 - 1 <= admitted <= 50 + 150


def test_a_request_above_a_minutes_tokens_passes_a_full_bucket() -> None:
    limits = Limits(enforced=True)
    limits.take(OPUS, OPUS.tpm + 1, 0)
    with pytest.raises(RefusedError) as refused:
        limits.take(OPUS, 100, 1)
    error = refused.value.error
    assert (error.status, error.type) == (429, "tokens")
    assert error.headers["retry-after"] == "1"
    assert error.headers["x-ratelimit-reset-tokens"] == "1m0s"


def test_limits_that_are_not_enforced_never_refuse() -> None:
    limits = Limits(enforced=False)
    for _ in range(60):
        headers = limits.take(OPUS, 10, 0)
    assert headers["x-ratelimit-remaining-requests"] == "0"

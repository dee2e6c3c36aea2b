"""The public price list: what it says of a model is what a call costs, to the nano-dollar."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import Usage as Theirs
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.domain.price import Price, cost_nano
from quotadeck.domain.usage import Usage
from quotadeck.wire.config.listed import listed
from quotadeck.wire.config.prices import made
from tests.wire.configs import changed, loaded

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MODELS = [
    ("openai", "gpt-5.4"),
    ("openai", "gpt-4o"),
    ("anthropic", "claude-opus-4-8"),
    ("anthropic", "claude-haiku-5-5"),
    ("google", "gemini-2.5-pro"),
    ("x-ai", "grok-4"),
    ("mistral", "mistral-large-latest"),
    ("groq", "llama-3.3-70b-versatile"),
]
CONTEXTS = {
    "": {},
    "priority": {"service_tier": "priority"},
    "flex": {"service_tier": "flex"},
    "fast": {"speed": "fast"},
}


@given(st.sampled_from(MODELS), st.sampled_from(list(CONTEXTS)), st.data())
def test_a_call_costs_what_the_list_itself_works_out(
    of: tuple[str, str], tier: str, data: st.DataObject
) -> None:
    provider, model = of
    rows = listed(provider, model, NOW)
    assert rows is not None
    if tier not in rows:
        return
    given_in = data.draw(st.integers(0, 600_000))
    cached = data.draw(st.integers(0, given_in))
    write = data.draw(st.integers(0, given_in - cached)) if provider == "anthropic" else 0
    hour = data.draw(st.integers(0, write))
    out, searches = data.draw(st.integers(0, 100_000)), data.draw(st.integers(0, 5))
    searches = searches if rows[""][0].search_pico else 0
    usage = Usage(given_in, cached, out, write, hour, web_searches=searches, tier=tier)
    snapshot = get_snapshot()
    theirs = snapshot.calc(
        Theirs(
            input_tokens=given_in,
            cache_read_tokens=cached,
            cache_write_tokens=write,
            cache_write_1h_tokens=hour,
            output_tokens=out,
            web_searches=searches,
        ),
        model,
        provider,
        None,
        NOW,
        CONTEXTS[tier],
    )
    assert cost_nano(made(rows, None), usage) == round(theirs.total_price * 10**9)


def test_every_model_of_the_list_has_prices_that_are_whole() -> None:
    counted = 0
    for provider in get_snapshot().providers:
        for model in provider.models:
            rows = listed(provider.id, model.id, NOW)
            if rows:
                made(rows, None)
                counted += 1
    assert counted > 1_000


def price(place: Path, model: str, upstream: str = "", target: str = "") -> Price:
    text = changed("[upstreams.main]\n", f"[upstreams.main]\n{upstream}\n")
    text = text.replace("gpt-4.1", model).replace(
        f'[targets."main/{model}"]\n', f'[targets."main/{model}"]\n{target}\n'
    )
    found = loaded(place, text).catalogue.targets[f"main/{model}"]
    return found.price


def test_a_provider_gives_its_models_their_prices(tmp_path: Path) -> None:
    ours = price(tmp_path, "claude-opus-4-8", 'provider = "anthropic"')
    assert (ours.input_pico, ours.output_pico, ours.cache_write_1h_pico) == (
        *(5_000_000, 25_000_000),
        10_000_000,
    )
    assert {"fast", "us", "fast+us", "priority"} <= set(ours.tiers)
    assert "fast" not in ours.unasked
    us = cost_nano(ours, Usage(1_000, 0, 100, tier="us"))
    assert us == Decimal("1.1") * cost_nano(ours, Usage(1_000, 0, 100))


def test_the_files_own_price_wins(tmp_path: Path) -> None:
    ours = price(tmp_path, "gpt-4o", 'provider = "openai"', 'price_usd = "10.00"')
    assert (ours.input_pico, ours.is_flat) == (10_000_000, True)


@pytest.mark.parametrize("provider", ["", 'provider = "openai"', 'provider = "nobody-knows"'])
def test_a_model_that_nobody_has_a_price_of_has_none(tmp_path: Path, provider: str) -> None:
    ours = price(tmp_path, "our-own-model", provider)
    assert not ours.is_known
    assert ours.version == "unknown"

"""What an upstream says of its key reaches nobody."""

from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.gateway.upstream.keys import MAX_CHARS, upstream_keys

KEY = "sk-upstream-0123456789abcdef"
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=60)


def test_every_key_is_hidden_wherever_it_stands() -> None:
    keys = upstream_keys([KEY, "", "another-key-of-some-length"])
    said = f"a {KEY}, b={KEY}&c and another-key-of-some-length!{KEY.upper()}"
    assert keys.hide(said) == "a [key], b=[key]&c and [key]![key]"


@given(KEYS, st.text(max_size=20), st.text(max_size=20))
def test_key_of_any_characters_is_hidden_plain_and_in_a_url(
    key: str, before: str, after: str
) -> None:
    hidden = upstream_keys([key]).hide(f"{before}{key}{after}={quote(key, safe='')}")
    assert key not in hidden
    assert quote(key, safe="") not in hidden


@given(KEYS, st.binary(max_size=10), st.binary(max_size=10))
def test_key_within_base64_is_hidden(key: str, before: bytes, after: bytes) -> None:
    for encode in (b64encode, urlsafe_b64encode):
        told = encode(before + key.encode() + after).decode()
        inner = encode(key.encode()).decode()[4:-4]
        hidden = upstream_keys([key]).hide(f"Basic {told}")
        assert "[key]" in hidden
        assert inner not in hidden


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        (KEY[:12] + "****cdef", "[key]"),
        (KEY[:12] + "…cdef.", "[key]."),
        (KEY[:20] + "...", "[key]..."),
        (KEY[:8] + "****", KEY[:8] + "****"),
    ],
)
def test_shortened_key_is_hidden_where_it_still_tells_something(said: str, hidden: str) -> None:
    assert upstream_keys([KEY]).hide(said) == hidden


@pytest.mark.parametrize("key", ["none", "x", "EMPTY", "a.b*c"])
def test_short_key_is_hidden_where_it_stands_for_itself(key: str) -> None:
    keys = upstream_keys([key])
    assert keys.hide(f"bad key {key}: exceeded, a-nonesuch") == (
        "bad key [key]: exceeded, a-nonesuch"
    )


def test_without_keys_nothing_changes() -> None:
    assert upstream_keys(["", ""]).hide("[key] none") == "[key] none"


@pytest.mark.parametrize("shift", range(0, len(KEY), 5))
def test_key_at_the_cut_of_an_endless_text_is_not_told_by_half(shift: int) -> None:
    text = "y" * (MAX_CHARS - shift) + KEY + "z" * 100
    assert KEY[:4] not in upstream_keys([KEY]).hide(text)


def test_keys_are_in_no_representation() -> None:
    assert KEY not in repr(upstream_keys([KEY]))

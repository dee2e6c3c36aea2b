"""Identifiers sort by time and are valid UUIDs."""

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from quotadeck.domain.ids import made_at_us, new_id

AT_US = st.integers(0, 2**48 * 1_000 - 1)
ENTROPY = st.binary(min_size=10, max_size=10)


@given(AT_US, ENTROPY)
def test_an_id_is_a_version_7_uuid_behind_its_prefix(at_us: int, entropy: bytes) -> None:
    prefix, _, text = new_id("req", at_us, entropy).partition("_")
    uuid = UUID(hex=text)
    assert (prefix, uuid.variant, uuid.version) == ("req", RFC_4122, 7)
    assert uuid.int >> 80 == at_us // 1_000


@given(st.tuples(AT_US, ENTROPY), st.tuples(AT_US, ENTROPY))
def test_ids_sort_by_their_millisecond(one: tuple[int, bytes], other: tuple[int, bytes]) -> None:
    if one[0] // 1_000 < other[0] // 1_000:
        assert new_id("req", *one) < new_id("req", *other)


def test_the_rest_is_the_entropy() -> None:
    blank, filled = new_id("evt", 0, b"\0" * 10), new_id("evt", 0, b"\xff" * 10)
    differing = UUID(blank.partition("_")[2]).int ^ UUID(filled.partition("_")[2]).int
    assert differing.bit_count() == 74


@given(AT_US, ENTROPY)
def test_an_id_tells_its_millisecond(at_us: int, entropy: bytes) -> None:
    assert made_at_us(new_id("cmd", at_us, entropy)) == at_us // 1_000 * 1_000


def test_what_is_no_such_id_tells_none() -> None:
    for other in ("", "cmd_", "cmd_1", f"cmd_{4:032x}", "cmd_" + "z" * 12 + "7" + "0" * 19):
        assert made_at_us(other) is None

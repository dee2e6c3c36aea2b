"""Bodies that came packed: what they pack is read, and bounded while it is."""

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from quotadeck.domain.refusals import BodyTooLarge, CodingUnknown, Garbled
from quotadeck.gateway.connection.unpacking import codings_of, unpacked

WORDS = b'{"messages": "' + b"all of it " * 100_000 + b'"}'


def bare(body: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(body) + packing.flush()


PACKED: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", bare),
    ("br", brotli.compress),
    ("zstd", zstandard.compress),
]
each = pytest.mark.parametrize(
    ("coding", "pack"), PACKED, ids=["gzip", "zlib", "bare", "br", "zstd"]
)


@each
async def test_body_is_what_was_packed_and_counted_as_that(
    coding: str, pack: Callable[[bytes], bytes]
) -> None:
    sizes: list[int] = []
    assert await unpacked(pack(WORDS), (coding,), sizes.append) == WORDS
    assert sum(sizes) == len(WORDS)
    assert await unpacked(b"", (coding,), sizes.append) == b""


@each
async def test_bomb_ends_where_the_limit_is(coding: str, pack: Callable[[bytes], bytes]) -> None:
    """A gigabyte in a hundred kilobytes: what is unpacked stays near what is allowed."""
    held = 0

    def grow(size: int) -> None:
        nonlocal held
        held += size
        if held > 1_000_000:
            raise BodyTooLarge(1_000_000)

    bomb = pack(bytes(60_000_000))
    assert len(bomb) < 100_000
    with pytest.raises(BodyTooLarge):
        await unpacked(bomb, (coding,), grow)
    assert held < 4_000_000


@each
async def test_what_is_cut_or_is_something_else_is_told_so(
    coding: str, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(WORDS)
    for wrong in (b"{}", packed[:-1], packed[: len(packed) // 2], b"\xff" * 40):
        with pytest.raises(Garbled) as refused:
            await unpacked(wrong, (coding,), lambda _: None)
        assert refused.value.coding == coding


async def test_nothing_comes_behind_the_end_of_a_body() -> None:
    for coding, pack in PACKED:
        with pytest.raises(Garbled):
            await unpacked(pack(WORDS) + b"{}", (coding,), lambda _: None)
        assert await unpacked(pack(b""), (coding,), lambda _: None) == b""


async def test_members_and_frames_side_by_side_are_one_body() -> None:
    for coding, pack in (PACKED[0], PACKED[4]):
        assert await unpacked(pack(b"a") + pack(b"b"), (coding,), lambda _: None) == b"ab"


async def test_codings_within_another_are_taken_off_in_turn() -> None:
    codings = codings_of(b"gzip, zstd")
    assert codings == ("zstd", "gzip")
    packed = zstandard.compress(gzip.compress(WORDS))
    assert await unpacked(packed, codings, lambda _: None) == WORDS


@pytest.mark.parametrize(
    ("header", "codings"), [(b"identity", ()), (b" X-GZIP ", ("gzip",)), (b"", ())]
)
def test_names_are_taken_as_they_are_written(header: bytes, codings: tuple[str, ...]) -> None:
    assert codings_of(header) == codings


@pytest.mark.parametrize("header", [b"compress", b"gzip, gzip, gzip, gzip", b"gzip;q=1"])
def test_coding_that_is_not_taken_is_named_with_those_that_are(header: bytes) -> None:
    with pytest.raises(CodingUnknown) as refused:
        codings_of(header)
    assert refused.value.taken == ("gzip", "deflate", "br", "zstd")

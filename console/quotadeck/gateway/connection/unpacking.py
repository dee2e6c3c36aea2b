"""Request bodies that came packed: gzip, deflate, br and zstd, one within another too.

A few bytes may stand for gigabytes: what they unpack to is counted piece by piece, as what came.
"""

import asyncio
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from quotadeck.domain.refusals import CodingUnknown, Garbled

PIECE_BYTES: Final = 256 * 1024
"""At most so much is unpacked before others have their turn: about a millisecond."""
_STEP_BYTES: Final = 256
"""What a step costs of that, even if it gives nothing."""
_FED_BYTES: Final = 4 * 1024
"""Brotli gives all that it has of what it is fed: of so much, at most some megabytes."""
_ZSTD_FED_BYTES: Final = 64
"""Four bytes may be a block of 128 KB: of so much, at most 2 MB."""
_WINDOW_BYTES: Final = 8 * 1024 * 1024
"""What RFC 9659 allows for content codings."""
_MOST_CODINGS: Final = 3
_GZIP: Final = zlib.MAX_WBITS | 16


def _gzip(body: bytes) -> Iterator[bytes]:
    while body:
        unpacking = zlib.decompressobj(_GZIP)
        yield from _zlib(unpacking, body)
        body = unpacking.unused_data


def _deflate(body: bytes) -> Iterator[bytes]:
    """With zlib's frame or, as some send it, without."""
    framed = body[:1] and body[0] & 0x0F == 8
    unpacking = zlib.decompressobj(zlib.MAX_WBITS if framed else -zlib.MAX_WBITS)
    yield from _zlib(unpacking, body)
    if unpacking.unused_data:  # nothing comes behind its end
        raise EOFError


def _zlib(unpacking: Any, body: bytes) -> Iterator[bytes]:
    while not unpacking.eof:
        piece = unpacking.decompress(body, PIECE_BYTES)
        body = unpacking.unconsumed_tail
        if not piece and not body and not unpacking.eof:
            raise EOFError
        yield piece


def _brotli(body: bytes) -> Iterator[bytes]:
    # Few send it, or zstd: they are loaded where somebody does.
    import brotli

    unpacking = brotli.Decompressor()
    for at in range(0, len(body), _FED_BYTES):
        piece = unpacking.process(body[at : at + _FED_BYTES], output_buffer_limit=PIECE_BYTES)
        while piece:
            yield piece
            piece = unpacking.process(b"", output_buffer_limit=PIECE_BYTES)
    if body and not unpacking.is_finished():
        raise EOFError


def _zstd(body: bytes) -> Iterator[bytes]:
    import zstandard

    reading = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES)
    unpacking = reading.decompressobj()
    for at in range(0, len(body), _ZSTD_FED_BYTES):
        fed = body[at : at + _ZSTD_FED_BYTES]
        while fed:
            if unpacking.eof:
                unpacking = reading.decompressobj()
            yield unpacking.decompress(fed)
            fed = unpacking.unused_data
    if body and not unpacking.eof:
        raise EOFError


_CODINGS: Final[dict[str, Callable[[bytes], Iterator[bytes]]]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
_OTHER_NAMES: Final = {"x-gzip": "gzip"}


def codings_of(header: bytes) -> tuple[str, ...]:
    """What a body is packed in, the outermost first. Raises CodingUnknown."""
    names = [name.strip().lower() for name in header.decode("latin-1").split(",")]
    found = [_OTHER_NAMES.get(name, name) for name in names if name not in ("", "identity")]
    unknown = next((name for name in found if name not in _CODINGS), "")
    if unknown or len(found) > _MOST_CODINGS:
        raise CodingUnknown(unknown or ", ".join(found), tuple(_CODINGS))
    return tuple(reversed(found))


async def unpacked(body: bytes, codings: tuple[str, ...], grow: Callable[[int], None]) -> bytes:
    """The body without these codings.

    ``grow`` is told the size of each piece, and its refusal is raised. Raises Garbled.
    """
    for coding in codings if body else ():
        pieces: list[bytes] = []
        done = 0
        try:
            for piece in _CODINGS[coding](body):
                grow(len(piece))
                pieces.append(piece)
                done += len(piece) + _STEP_BYTES
                if done >= PIECE_BYTES:
                    done = 0
                    await asyncio.sleep(0)
        except Exception as fault:
            if isinstance(fault, EOFError | zlib.error) or _is_of_a_library(fault):
                raise Garbled(coding) from None
            raise
        body = b"".join(pieces)
    return body


def _is_of_a_library(fault: Exception) -> bool:
    """Their errors have no common class, and the libraries may not have been loaded."""
    return type(fault).__module__.partition(".")[0] in ("brotli", "_brotli", "zstandard", "zstd")

"""Decompressing a copy of a reply's bytes, to read its usage; the client decompresses its own.

What cannot be decompressed is read no further: its usage is then an estimate.
"""

import zlib
from collections.abc import Callable
from typing import Any, Final

_MOST_BYTES: Final = 64 * 1024 * 1024
"""What one piece may come to: a few bytes can stand for gigabytes."""
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32


def _plain(chunk: bytes) -> bytes:
    return chunk


def _nothing(_: bytes) -> bytes:
    return b""


def _unknown() -> Callable[[bytes], bytes]:
    raise ImportError("nothing unpacks this coding")


def _zlib() -> Callable[[bytes], bytes]:
    unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
    return lambda chunk: unpacking.decompress(chunk, _MOST_BYTES)


def _brotli() -> Callable[[bytes], bytes]:
    import brotli

    unpacking: Any = brotli.Decompressor()
    return lambda chunk: bytes(unpacking.process(chunk))


def _zstd() -> Callable[[bytes], bytes]:
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj().decompress


_BY_CODING: Final[dict[str, Callable[[], Callable[[bytes], bytes]]]] = {
    "": lambda: _plain,
    "identity": lambda: _plain,
    "gzip": _zlib,
    "x-gzip": _zlib,
    "deflate": _zlib,
    "br": _brotli,
    "zstd": _zstd,
}


class Unpacked:
    """Feed it the bytes that come: it gives what they decompress to, and nothing once it is
    ``lost``."""

    __slots__ = ("_unpack", "lost")

    def __init__(self, coding: str) -> None:
        self.lost = False
        make = _BY_CODING.get(coding.strip().lower(), _unknown)
        try:
            self._unpack = make()
        except ImportError:
            self._unpack, self.lost = _nothing, True

    def feed(self, chunk: bytes) -> bytes:
        if self.lost:
            return b""
        try:
            return self._unpack(chunk)
        except Exception:  # noqa: BLE001 -- each library has its own; the reply goes on all the same
            self.lost = True
            return b""

"""Unpacking a packed reply, in pieces of a bounded size: a few bytes may stand for gigabytes."""

import zlib
from collections import deque
from collections.abc import Sequence
from typing import Final

from quotadeck.gateway.upstream.client import Broken

PIECE_BYTES: Final = 256 * 1024
"""At most so much is unpacked at once: about a millisecond."""
_GZIP: Final = zlib.MAX_WBITS | 16
_ZLIB: Final = zlib.MAX_WBITS
_BARE: Final = -zlib.MAX_WBITS
_ZLIB_METHOD: Final = 8
_GZIPS: Final = (b"gzip", b"x-gzip")


class Decoder:
    """Unpacks gzip, also of several members, and deflate, also without zlib's frame."""

    __slots__ = ("_fed", "_full", "_gzip", "_packed", "_unpacking")

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._unpacking = zlib.decompressobj(_GZIP) if gzip else None
        self._packed: deque[bytes] = deque()
        self._fed = False
        self._full = False
        """The last piece was full: there may be more without anything fed."""

    def feed(self, parts: Sequence[bytes]) -> None:
        """What has come, none of it empty, for `take` to unpack."""
        self._fed = self._fed or bool(parts)
        self._packed.extend(parts)

    def take(self) -> bytes:
        """The next piece; b"" where nothing more came. Raises Broken."""
        while self._packed or self._full:
            packed = self._packed.popleft() if self._packed else b""
            if self._unpacking is None:
                bare = packed[0] & 0x0F != _ZLIB_METHOD
                self._unpacking = zlib.decompressobj(_BARE if bare else _ZLIB)
            try:
                piece = self._unpacking.decompress(packed, PIECE_BYTES)
            except zlib.error:
                raise _garbled() from None
            self._full = len(piece) == PIECE_BYTES
            if rest := self._unpacking.unconsumed_tail or self._unpacking.unused_data:
                self._packed.appendleft(rest)
            if self._unpacking.eof and self._packed:
                if not self._gzip:
                    raise _garbled()
                self._unpacking = zlib.decompressobj(_GZIP)
            if piece:
                return piece
        return b""

    def end(self) -> None:
        """The reply has ended. Raises Broken where what it packs has not."""
        if self._fed and (self._unpacking is None or not self._unpacking.eof):
            raise _garbled()


def decoder_of(coding: bytes) -> Decoder | None:
    """For a value of content-encoding; None where nothing is to be done, or nobody knows what."""
    coding = coding.lower()
    if coding in _GZIPS:
        return Decoder(gzip=True)
    return Decoder(gzip=False) if coding == b"deflate" else None


def _garbled() -> Broken:
    return Broken("its reply is packed, and cannot be unpacked")

"""Faults that bend a reply's bytes: each takes the pieces as they should leave and a value."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import cycle, islice, pairwise

from quotadeck.sim.connection import ConnectionCutError
from quotadeck.sim.faults.kind import Kind
from quotadeck.sim.pieces import Piece

Bend = Callable[[Iterator[Piece], float, bytes], Iterator[Piece]]
"""The last of what it takes is the form's own event of an error."""

APART_S = 0.001
"""Between bytes that must not arrive together: enough for the reader's loop to come round."""


def _reset_chunk(pieces: Iterator[Piece], value: float, __: bytes) -> Iterator[Piece]:
    yield from islice(pieces, int(value))
    raise ConnectionCutError


def _reset_byte(pieces: Iterator[Piece], value: float, __: bytes) -> Iterator[Piece]:
    room = int(value)
    for piece in pieces:
        if len(piece.data) >= room:
            yield replace(piece, data=piece.data[:room], last=False)
            break
        yield piece
        room -= len(piece.data)
    raise ConnectionCutError


def _truncate(pieces: Iterator[Piece], value: float, __: bytes) -> Iterator[Piece]:
    """Ends cleanly: after so many pieces, or where there is no value before the last of them."""
    for index, piece in enumerate(pieces):
        if value and index >= value:
            return
        if not piece.last:
            yield piece
        elif not piece.is_event:
            yield replace(piece, data=piece.data[: len(piece.data) // 2], last=False)


def _crlf(pieces: Iterator[Piece], _: float, __: bytes) -> Iterator[Piece]:
    for piece in pieces:
        yield replace(piece, data=piece.data.replace(b"\n", b"\r\n"))


def _no_space(pieces: Iterator[Piece], _: float, __: bytes) -> Iterator[Piece]:
    for piece in pieces:
        data = piece.data.replace(b"event: ", b"event:", 1).replace(b"data: ", b"data:", 1)
        yield replace(piece, data=data)


def _keepalive(pieces: Iterator[Piece], _: float, __: bytes) -> Iterator[Piece]:
    for piece in pieces:
        if piece.is_event:
            yield Piece(b": keep-alive\n\n")
        yield piece


def _split_utf8(pieces: Iterator[Piece], _: float, __: bytes) -> Iterator[Piece]:
    for piece in pieces:
        # 0b10xxxxxx continues a character: a cut in front of it falls inside one.
        inside = [at for at, byte in enumerate(piece.data) if byte & 0xC0 == 0x80]
        yield from _split(piece, inside)


def _split_data(pieces: Iterator[Piece], _: float, __: bytes) -> Iterator[Piece]:
    for piece in pieces:
        yield from _split(piece, [2, 5, len(piece.data) - 1])


def _slowloris(pieces: Iterator[Piece], value: float, __: bytes) -> Iterator[Piece]:
    for piece in pieces:
        yield from _split(piece, range(1, len(piece.data)), value)


def _garbage(pieces: Iterator[Piece], value: float, __: bytes) -> Iterator[Piece]:
    for index, piece in enumerate(pieces):
        if index == int(value):
            broken = b'{"choices": [{"mess'
            if piece.is_event:
                broken = piece.data.partition(b"data: ")[0] + b'data: {"choices": [{"del\n\n'
            yield replace(piece, data=broken)
        else:
            yield piece


def _stream_error(pieces: Iterator[Piece], value: float, error: bytes) -> Iterator[Piece]:
    yield from islice(pieces, int(value))
    yield Piece(error)


def _endless(pieces: Iterator[Piece], value: float, __: bytes) -> Iterator[Piece]:
    """The same words for ever; a JSON body never gets past its last brace."""
    body = []
    for piece in pieces:
        if piece.last and not piece.is_event:
            yield replace(piece, data=piece.data[:-1], last=False)
            body = [Piece(b" ")]
            break
        if piece.tokens:
            body.append(piece)
        elif body:
            break
        else:
            yield piece
    for piece in cycle(body):
        yield replace(piece, wait_s=value or APART_S)


def _split(piece: Piece, cuts: Iterable[int], wait_s: float = APART_S) -> Iterator[Piece]:
    """The same bytes in several pieces: the tokens go with the first, the end with the last."""
    edges = [0, *(cut for cut in cuts if 0 < cut < len(piece.data)), len(piece.data)]
    for start, end in pairwise(edges):
        yield Piece(
            piece.data[start:end],
            tokens=piece.tokens if start == 0 else 0,
            wait_s=piece.wait_s if start == 0 else wait_s,
            last=piece.last and end == len(piece.data),
        )


BENDS: dict[str, Kind[Bend]] = {
    "reset-chunk": Kind(_reset_chunk, "connection reset after so many stream events"),
    "reset-byte": Kind(_reset_byte, "connection reset after so many bytes of the body"),
    "truncate": Kind(_truncate, "ends cleanly after so many events, or just without [DONE]"),
    "crlf": Kind(_crlf, "CRLF line ends"),
    "no-space": Kind(_no_space, "no space after `data:`"),
    "keepalive": Kind(_keepalive, "an SSE comment before each event"),
    "split-utf8": Kind(_split_utf8, "chunks end inside every multi-byte character"),
    "split-data": Kind(_split_data, "chunks end inside `data:` and before the last line end"),
    "slowloris": Kind(_slowloris, "a byte at a time, so many seconds apart", 1),
    "garbage": Kind(_garbage, "this event (or the whole JSON body) is not JSON"),
    "stream-error": Kind(_stream_error, "an error event after so many events, then the end", 1),
    "endless": Kind(_endless, "never ends; so many seconds between events", 0.01),
}

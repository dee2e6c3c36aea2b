"""Framing: the same events leave as came, whatever way they are written and cut up."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai._streaming import SSEDecoder

from quotadeck.domain import sse
from quotadeck.domain.sse import Blocks, SseEvent, read_block

LINES = st.one_of(
    st.sampled_from(
        [
            "data: one",
            "data:two",
            "data:  three",
            "data: x: y",
            "data",
            "data:",
            "event: ping",
            "event:pong",
            "id: 7",
            "id",
            "retry: 3000",
            ": a comment",
            ":",
            "unknown: field",
            "data: 日本語🎉",
            "",
            "",
            "",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\ufeff"), max_size=8),
)


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What a client of the standard is told of one event."""

    name: str
    data: str
    last_id: str


def dispatched(stream: bytes) -> list[Dispatched]:
    """The events of a stream, worked out line by line as the standard's prose does."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    name, data, last_id = "", "", ""
    events: list[Dispatched] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                events.append(Dispatched(name or "message", data[:-1], last_id))
            name, data = "", ""
        elif field == "data":
            data += value + "\n"
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            last_id = value
    return events


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    lines = draw(st.lists(LINES, max_size=30))
    ends = st.sampled_from(["\n", "\r\n", "\r"])
    one = draw(ends)
    mixed = draw(st.booleans())
    text = "".join(line + (draw(ends) if mixed else one) for line in [*lines, ""])
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode()


@st.composite
def cut_up(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A stream, and the same bytes as they may arrive."""
    wire = draw(streams())
    cuts = draw(st.lists(st.integers(0, len(wire)), max_size=20))
    if draw(st.booleans()):
        cuts = list(range(len(wire)))
    return wire, [wire[a:b] for a, b in pairwise([0, *sorted(cuts), len(wire)])]


def passed_on(chunks: Iterable[bytes]) -> bytes:
    """What a relay that takes nothing out sends on."""
    blocks = Blocks()
    events = [(block, read_block(block)) for chunk in chunks for block in blocks.feed(chunk)]
    return b"".join(
        event.quiet if event.data is None else block + b"\n\n" for block, event in events
    )


@given(cut_up())
def test_same_events_leave_as_came(stream: tuple[bytes, list[bytes]]) -> None:
    wire, chunks = stream
    assert dispatched(passed_on(chunks) + b"\n") == dispatched(wire)


@given(cut_up())
def test_official_sdk_sees_the_same_events_and_none_without_data(
    stream: tuple[bytes, list[bytes]],
) -> None:
    wire, chunks = stream
    sent = passed_on(chunks)
    seen = [event.data for event in SSEDecoder().iter_bytes(iter([sent]))]
    assert seen == [event.data for event in dispatched(wire)]


@settings(deadline=None)  # quadratic
@given(cut_up())
def test_nothing_is_held_back_once_its_block_is_whole(stream: tuple[bytes, list[bytes]]) -> None:
    _, chunks = stream
    blocks, seen, got = Blocks(), b"", b""
    for chunk in chunks:
        seen += chunk
        for block in blocks.feed(chunk):
            event = read_block(block)
            got += event.quiet if event.data is None else block + b"\n\n"
        assert dispatched(got) == dispatched(seen)


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 1_000])
def test_what_is_no_utf_8_is_replaced_as_a_browser_would(piece: int) -> None:
    wire = b"data: \xff\xe6\x97\n: caf\xe9\n\ndata: \xe6\x97\xa5\n\n"
    got = passed_on(wire[at : at + piece] for at in range(0, len(wire), piece))
    assert got == "data: \ufffd\ufffd\n: caf\ufffd\n\ndata: 日\n\n".encode()


@pytest.mark.parametrize(
    ("block", "event"),
    [
        (b"data: x", SseEvent(b"x", b"", ())),
        (b"data:x", SseEvent(b"x", b"", ())),
        (b"data: a\ndata: b", SseEvent(b"a\nb", b"", ())),
        (b"data", SseEvent(b"", b"", ())),
        (b": ping", SseEvent(None, b"", (b": ping",))),
        (b"event: e\nid: 7\ndata: x", SseEvent(b"x", b"e", (b"id: 7",))),
    ],
)
def test_block_is_taken_apart(block: bytes, event: SseEvent) -> None:
    assert read_block(block) == event


def test_name_of_a_block_without_data_names_no_other_event() -> None:
    got = passed_on([b"event: ping\nid: 1\n\ndata: x\n\n"])
    assert got == b"id: 1\ndata: x\n\n"


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_block_without_end_is_given_up_soon_after_the_cap(
    monkeypatch: pytest.MonkeyPatch, line_end: bytes
) -> None:
    monkeypatch.setattr(sse, "MAX_BLOCK_BYTES", 1_000)
    blocks = Blocks()
    chunk = b"data: " + b"x" * 92 + line_end
    for _ in range(10):
        assert blocks.feed(chunk[:100]) == []
        assert not blocks.too_long
    blocks.feed(chunk)
    assert blocks.too_long
    blocks.feed(line_end + b"data: next")
    assert not blocks.too_long


def test_long_stream_of_short_blocks_is_no_long_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_BLOCK_BYTES", 1_000)
    wire = b"data: hello, hello\n\n" * 1_000
    assert passed_on(wire[at : at + 900] for at in range(0, len(wire), 900)) == wire


def test_what_came_after_the_last_empty_line_can_be_read_at_the_end() -> None:
    blocks = Blocks()
    assert blocks.feed(b"data: a\r\n\r\ndata: b\r") == [b"data: a"]
    assert blocks.rest() == [b"data: b"]
    assert blocks.rest() == []


class Counted(bytearray):
    """What is kept of a stream, and how many bytes were ever looked at or moved in it."""

    work = 0

    def __init__(self, data: bytes = b"") -> None:
        super().__init__(data)
        Counted.work += len(data)

    def __iadd__(self, more: bytes) -> Self:  # type: ignore[misc, override]
        Counted.work += len(more)
        return super().__iadd__(more)

    def __bytes__(self) -> bytes:
        Counted.work += len(self)
        return bytes(memoryview(self))

    def __getattribute__(self, name: str) -> object:
        if name not in ("endswith", "startswith"):  # they look at an end alone
            Counted.work += len(self)
        return super().__getattribute__(name)


@pytest.mark.parametrize("piece", [100, 1_024])
def test_work_on_an_event_is_linear_in_its_bytes(
    monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    """An image of 4 MB in pieces of a packet: each byte is moved twice, and looked at no more."""
    monkeypatch.setattr(sse, "bytearray", Counted, raising=False)
    work = {}
    for size in (1 << 20, 4 << 20):
        wire = b"data: " + b"x" * size + b"\n\n"
        Counted.work = 0
        blocks = Blocks()
        got = [b for at in range(0, len(wire), piece) for b in blocks.feed(wire[at : at + piece])]
        assert [len(block) for block in got] == [size + 6]
        work[size] = Counted.work
    assert work[4 << 20] < 4.1 * work[1 << 20]
    assert work[4 << 20] < 2.1 * (4 << 20)

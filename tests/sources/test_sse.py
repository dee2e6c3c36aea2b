"""Events come out whole, however the bytes were cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.sources.sse import MAX_EVENT_BYTES, Events, EventTooLarge

SENT = (
    b": a comment\nevent: snapshot\ndata: {}\n\n"
    b"retry: 10\n\n"
    b"data:no blank\r\n\r\n"
    b"event: heartbeat\ndata: two\ndata: lines\nid: 7\n\n"
    b"event: unfinished\ndata: x"
)
EXPECTED = [("snapshot", b"{}"), ("message", b"no blank"), ("heartbeat", b"two\nlines")]


@given(st.lists(st.integers(0, len(SENT)), max_size=12))
def test_events_do_not_depend_on_how_the_bytes_were_cut(cuts: list[int]) -> None:
    parser, found = Events(), []
    edges = [0, *sorted(cuts), len(SENT)]
    for start, end in pairwise(edges):
        found += parser.feed(SENT[start:end])
    assert found == EXPECTED


def test_a_line_without_end_is_refused_at_the_limit() -> None:
    with pytest.raises(EventTooLarge):
        _feed_for_ever(b"data: " + b"x" * (1 << 20))


def test_an_event_of_endless_lines_is_refused_at_the_limit() -> None:
    with pytest.raises(EventTooLarge):
        _feed_for_ever(b"data: " + b"x" * (1 << 20) + b"\n")


def _feed_for_ever(piece: bytes) -> None:
    parser = Events()
    for _ in range(2 * MAX_EVENT_BYTES // len(piece)):
        parser.feed(piece)

"""A stream through the relay: one huge event in small pieces, and ordinary events."""

import time

import orjson

from quotadeck.dialects.openai.stream import OpenAIRelay

PIECE_BYTES = 1_024
LARGE_BYTES = 4 * 1024 * 1024
EVENTS = 20_000


def event(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return b"data: " + orjson.dumps({"id": "chatcmpl-1", "choices": [choice]}) + b"\n\n"


def pieces_ms(size: int) -> float:
    """Milliseconds of CPU for one event of that size."""
    relay, wire = OpenAIRelay(include_usage=False), event("A" * size)
    begun = time.process_time()
    got = sum(
        len(relay.feed(wire[at : at + PIECE_BYTES])) for at in range(0, len(wire), PIECE_BYTES)
    )
    took = time.process_time() - begun
    if got != len(wire):
        raise RuntimeError(f"the bench must measure events that pass, not {got} of {len(wire)}")
    return took * 1_000


def run() -> list[tuple[str, str]]:
    """(name, figure); raises where twice the bytes cost far more than twice the time."""
    once = min(pieces_ms(LARGE_BYTES) for _ in range(5))
    twice = min(pieces_ms(2 * LARGE_BYTES) for _ in range(5))
    if twice > 2.5 * once or once > 250:
        raise RuntimeError(f"the relay is not linear: 4 MB {once:.1f} ms, 8 MB {twice:.1f} ms")
    relay, ordinary = OpenAIRelay(include_usage=False), event("hello")
    begun = time.process_time()
    for _ in range(EVENTS):
        relay.feed(ordinary)
    each_us = (time.process_time() - begun) / EVENTS * 1e6
    return [
        ("one event of 4 MB in pieces of 1 KB", f"{once:.1f} ms"),
        ("the same of 8 MB", f"{twice:.1f} ms ({twice / once:.2f} ×)"),
        ("an ordinary event", f"{each_us:.1f} µs"),
    ]

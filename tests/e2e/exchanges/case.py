"""One exchange: what the client asks for, what the upstream's bytes are, and what is right."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

Plays = Callable[[bytes], bytes]
"""Takes the request's body; gives the whole reply, head and all."""

PRICES: Final = (1_000, 100, 1_250, 2_000)
"""Nano-dollars a token: fresh input, read from a cache, written to one, output."""
SEARCH_NANO: Final = 10_000_000
TARGET: Final = """
input_usd = "1"
cached_input_usd = "0.1"
cache_write_usd = "1.25"
output_usd = "2"
search_usd = "10"
tiers.priority.times = "2"
tiers.flex.times = "0.5"
"""
"""The same in the config, with two tiers and searches."""


@dataclass(frozen=True, slots=True)
class Used:
    """Tokens of a call: all of its input, of which some cached and some written; its output."""

    input: int = 1_000
    output: int = 100
    cached: int = 0
    written: int = 0
    searches: int = 0
    tier: str = ""
    stated_nano: int | None = None

    @property
    def cost_nano(self) -> int:
        """By `PRICES`, and by the reply's tier."""
        fresh, cached, written, output = PRICES
        plain = self.input - self.cached - self.written
        tokens = plain * fresh + self.cached * cached + self.written * written
        tokens += self.output * output
        times = {"priority": 2, "flex": 0.5}.get(self.tier, 1)
        return int(tokens * times) + self.searches * SEARCH_NANO


USUAL: Final = Used()


@dataclass(frozen=True, slots=True)
class Whole:
    """The client gets a whole answer; ``used`` is None where the gateway must estimate."""

    says: str = "hi"
    used: Used | None = USUAL
    holds: bytes = b""
    """Bytes that must have come through as they are."""
    calls: str = ""
    """The arguments of the tool calls, one after the other."""
    choices: int = 1


@dataclass(frozen=True, slots=True)
class Fails:
    """The client gets an error; ``status`` is 0 where it comes in the middle of a stream."""

    words: str
    status: int = 0
    kind: str = ""
    """What its type begins with."""
    outcome: str = "upstream_error"


@dataclass(frozen=True, slots=True)
class Case:
    """An exchange."""

    name: str
    plays: Plays
    right: Whole | Fails
    stream: bool = True
    upstream: str = ""
    """Further lines of the upstream's table in the config."""

    @property
    def id(self) -> str:
        """Its name as a model's, and in a path."""
        return re.sub("[^a-z0-9]+", "-", self.name.lower()).strip("-")


def http(body: bytes, kind: str = "application/json", status: str = "200 OK", *more: str) -> Plays:
    """A whole reply with a length."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *more]
    if kind:
        lines.append(f"content-type: {kind}")
    whole = "\r\n".join([*lines, "", ""]).encode() + body
    return lambda _: whole


def json(value: Any, status: str = "200 OK", *more: str) -> Plays:
    """A JSON reply."""
    return http(orjson.dumps(value), "application/json", status, *more)


def sse(*blocks: bytes, kind: str = "text/event-stream") -> Plays:
    """A stream that ends with its connection."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n".encode()
    whole = head + b"".join(blocks)
    return lambda _: whole


def data(value: Any, before: str = "") -> bytes:
    """An event; ``before`` are the lines of its block before the data."""
    return before.encode() + b"data: " + orjson.dumps(value) + b"\n\n"

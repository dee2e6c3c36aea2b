"""A stream of OpenAI's dialect on its way to the client, read in passing.

The relay passes whole events on as they come, learns the usage, and keeps the terminal event back:
the call's record must be written before the last byte leaves. Framing is that of server-sent
events (WHATWG HTML, section 9.2), where an event ends at an empty line.
"""

from typing import Any

import orjson

from console.domain.text import clean
from console.gateway.usage import Usage, read_usage

MAX_EVENT_BYTES = 4 * 1024 * 1024
DONE = b"data: [DONE]\n\n"


class EventTooLong(Exception):
    """The upstream sends an event without end."""


class OpenAIRelay:
    """Feed it what the upstream sends; it gives back what the client should get.

    ``usage`` is the last usage seen, ``deltas`` the number of content events (about a token each),
    ``done`` whether the terminal event has come, ``error`` the upstream's error object if it sent
    one in the stream.
    """

    __slots__ = ("_include_usage", "_pending", "deltas", "done", "error", "response_id", "usage")

    def __init__(self, *, include_usage: bool) -> None:
        self._include_usage = include_usage
        self._pending = b""
        self.usage: Usage | None = None
        self.deltas = 0
        self.done = False
        self.error: Any = None
        self.response_id = ""

    def feed(self, chunk: bytes) -> bytes:
        """The whole events that ``chunk`` completes, without those meant for us alone."""
        data = self._pending + chunk if self._pending else chunk
        if b"\r" in data:
            # A lone \r at the end may be half of a \r\n; it stays until the rest has come.
            kept = b"\r" if data.endswith(b"\r") else b""
            data = data.removesuffix(b"\r").replace(b"\r\n", b"\n") + kept
        end = data.rfind(b"\n\n")
        if end < 0:
            if len(data) > MAX_EVENT_BYTES:
                raise EventTooLong
            self._pending = data
            return b""
        self._pending = data[end + 2 :]
        events = data[: end + 2]
        if self.response_id and self._is_plain(events):
            self.deltas += events.count(b"data:")
            return events
        return b"".join(
            event + b"\n\n" for event in events[:-2].split(b"\n\n") if self._passes(event)
        )

    def close(self) -> None:
        """The upstream has ended: a terminal event counts without the empty line after it, too."""
        if self._pending.startswith(b"data:") and self._pending[5:].strip() == b"[DONE]":
            self.done = True

    @staticmethod
    def _is_plain(events: bytes) -> bool:
        """Nothing in it that concerns us: no usage figures, no error, not the end."""
        return (
            events.count(b'"usage"') == events.count(b'"usage":null')
            and b"[DONE]" not in events
            and b'"error"' not in events
        )

    def _passes(self, event: bytes) -> bool:
        data = b"\n".join(
            line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:")
        )
        if not data:
            return bool(event.strip())
        if data == b"[DONE]":
            self.done = True
            return False
        try:
            parsed = orjson.loads(data)
        except orjson.JSONDecodeError:
            return True
        if not isinstance(parsed, dict):
            return True
        return self._learn(parsed)

    def _learn(self, parsed: dict[str, Any]) -> bool:
        """Take what concerns us from an event; whether the client should see it too."""
        if not self.response_id and isinstance(parsed.get("id"), str):
            self.response_id = clean(parsed["id"], 200)
        if parsed.get("error") and "choices" not in parsed:
            self.error = parsed["error"]
            return False
        usage = read_usage(parsed.get("usage"))
        if usage:
            self.usage = usage
        if parsed.get("choices"):
            self.deltas += 1
            return True
        return self._include_usage or not isinstance(parsed.get("usage"), dict)


def cost_comment(cost_usd: str) -> bytes:
    """The call's cost as a comment: clients that know can read it, the SDKs skip it."""
    return f": cost-usd {cost_usd}\n\n".encode()


def error_event(error_body: bytes) -> bytes:
    """An error in the middle of a stream: the SDKs raise on an ``error`` object in an event."""
    return b"data: " + error_body + b"\n\n"

"""Upstreams with stored replies that cost next to nothing: nginx, and a small server of our own.

nginx answers a JSON request at once. What it cannot do, ours does: wait ``SLOW_S`` where the path
begins with ``/slow``, and stream ``CHUNKS`` events, one each ``PACE_S``.
Run as ``python -m tests.bench.stored PORT``.
"""

import asyncio
import sys
from typing import Final

import httptools
import orjson

SLOW_S: Final = 0.020
CHUNKS: Final = 20
PACE_S: Final = 0.005
USAGE: Final = {"prompt_tokens": 12, "completion_tokens": 20, "total_tokens": 32}
_COMMON: Final = {"id": "chatcmpl-stored", "created": 1_764_000_000, "model": "gpt-4.1"}
ANSWER: Final = orjson.dumps(
    {
        **_COMMON,
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "The Rhine, the Danube, the Elbe."},
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }
)
_JSON: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
    % (len(ANSWER), ANSWER)
)
_STREAM: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


def _events() -> list[bytes]:
    common = {**_COMMON, "object": "chat.completion.chunk"}
    events = []
    for number in range(CHUNKS):
        last = number == CHUNKS - 1
        choice = {
            "index": 0,
            "delta": {"content": f"river {number:02}, "},
            "finish_reason": "stop" if last else None,
        }
        data = b"data: %b\n\n" % orjson.dumps({**common, "choices": [choice]})
        if last:
            usage = orjson.dumps({**common, "choices": [], "usage": USAGE})
            data += b"data: %b\n\ndata: [DONE]\n\n" % usage
        events.append(b"%x\r\n%b\r\n" % (len(data), data) + (b"0\r\n\r\n" if last else b""))
    return events


_EVENTS: Final = _events()


class Stored(asyncio.Protocol):
    """One connection; a client that pipelines is not expected."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._loop = asyncio.get_running_loop()
        self._url = self._body = b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url = url
        self._body = b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if b'"stream":true' in self._body.replace(b" ", b""):
            self._transport.write(_STREAM + _EVENTS[0])
            self._loop.call_later(PACE_S, self._next, 1)
        elif self._url.startswith(b"/slow"):
            self._loop.call_later(SLOW_S, self._transport.write, _JSON)
        else:
            self._transport.write(_JSON)

    def _next(self, number: int) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(_EVENTS[number])
        if number + 1 < CHUNKS:
            self._loop.call_later(PACE_S, self._next, number + 1)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(
        Stored, "127.0.0.1", port, backlog=2_048
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))

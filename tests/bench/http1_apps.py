"""Two servers with the same trivial handlers, for a load from outside: ``KIND PORT_FILE``.

Says on its end (SIGTERM) how many requests there were and the CPU time of the process for each.
"""

import asyncio
import signal
import socket
import sys
import time
from pathlib import Path

import uvloop

from quotadeck.gateway.connection.accepting import HttpServer
from quotadeck.gateway.connection.connections import Connections
from quotadeck.gateway.connection.exchange import Exchange
from quotadeck.gateway.connection.http1_server import Http1Server
from tests.gateway.over_asgi import over_asgi

HEAD = b"content-type: application/json\r\nx-request-id: req_0123456789abcdef\r\n"
BODY = b"x" * 600
CHUNK = b"data: " + b"x" * 150 + b"\n\n"
CHUNKS = 20


class Handler:
    """Answers at once: a whole answer, or a stream; counts them."""

    answered = 0

    async def __call__(self, exchange: Exchange) -> None:
        await exchange.body(lambda _size: None)
        self.answered += 1
        if exchange.path == "/stream":
            await exchange.begin(200, HEAD)
            for _ in range(CHUNKS):
                await exchange.write(CHUNK)
                await asyncio.sleep(0)
            await exchange.finish(b"")
        else:
            await exchange.answer(200, HEAD, BODY)


async def main(kind: str, told: Path) -> None:
    """Serve until SIGTERM."""
    handler = Handler()
    table = Connections("connections", 1_000)
    sock = socket.create_server(("127.0.0.1", 0))
    server: HttpServer | Http1Server
    if kind == "admin":
        server = HttpServer(over_asgi(handler), table)
    else:
        server = Http1Server(handler, lambda _refusal: (400, b"", b""), table)
    serving = asyncio.ensure_future(server.serve([sock]))
    await server.up.wait()
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    began_s = time.process_time()
    await asyncio.to_thread(told.write_text, str(sock.getsockname()[1]))
    await over.wait()
    spent_us = (time.process_time() - began_s) * 1e6
    print(handler.answered, round(spent_us / max(1, handler.answered), 1), flush=True)
    serving.cancel()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], Path(sys.argv[2])))

"""The bench's stored upstream, that fails for one of the models, each time in another manner.

Run as ``python -m tests.soak.failing PORT``.
"""

import asyncio
import sys
from itertools import cycle
from typing import Final

from tests.bench.stored import Stored

FAILS: Final = "claude-opus-4.7"
_HEAD: Final = b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b"
_JSON: Final = b"application/json"
FAULTS: Final = (
    (_HEAD % (b"500 Internal Server Error", _JSON, 2, b"{}"), False),
    (_HEAD % (b"429 Too Many Requests", _JSON, 2, b"{}"), False),
    (_HEAD % (b"200 OK", _JSON, 7, b"garbage"), False),
    (_HEAD % (b"200 OK", _JSON, 9_000, b'{"id": '), True),
    (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {\n\n", True),
    (b"", True),
)
"""What is answered, and whether the connection is cut then."""


class Failing(Stored):
    """One connection."""

    faults = cycle(FAULTS)

    def on_message_complete(self) -> None:
        if FAILS.encode() not in self._body:
            super().on_message_complete()
            return
        answer, cut = next(self.faults)
        self._transport.write(answer)
        if cut:
            self._transport.close()


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Failing, "127.0.0.1", port, backlog=2_048)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))

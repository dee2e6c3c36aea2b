"""A provider's door that gives the answers it is told to give, one after the other."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple


class Given(NamedTuple):
    """An answer. A text is sent as it is, all else as JSON."""

    status: int
    body: Any = ""
    headers: Mapping[str, str] = MappingProxyType({})


class Door(ThreadingHTTPServer):
    """``seen`` are the requests: method, path, headers in lower case; ``bodies`` what they sent."""

    def __init__(self, *answers: Given) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers)
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: Door

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.bodies.append(body)
        self.server.seen.append((self.command, self.path, headers))
        given = self.server.answers.pop(0)
        data = (
            given.body.encode() if isinstance(given.body, str) else json.dumps(given.body).encode()
        )
        self.send_response(given.status)
        for name, value in given.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET  # noqa: N815 - as the base class looks for it

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing goes to stderr."""


@contextmanager
def door(*answers: Given) -> Iterator[Door]:
    """It stands open for as long as the block lasts."""
    with Door(*answers) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield server
        finally:
            server.shutdown()
            serving.join()

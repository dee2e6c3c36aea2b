"""A provider that plays given bytes, and a gateway before it.

Each exchange is an upstream of its own (a path of the player's), so that what the gateway learns
of one, its health for one, is nothing to another.
"""

import contextlib
import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.exchanges.case import TARGET, Case
from tests.processes import Gateway, SimUpstream, wait_until

PROJECT = "[projects.played]"


@dataclass(frozen=True, slots=True)
class Player:
    """Serves each exchange under a path that begins with its name."""

    cases: Mapping[str, Case]

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        """The address, for as long as the block lasts."""
        cases = self.cases

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while (asked := _request(self.rfile)) is not None:
                    name, body = asked
                    reply = cases[name].plays(body)
                    self.wfile.write(reply)
                    if b"content-length" not in reply.partition(b"\r\n\r\n")[0].lower():
                        return

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            server.block_on_close = False
            thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{server.server_address[1]}"
            server.shutdown()
            thread.join()


def _request(stream: Any) -> tuple[str, bytes] | None:
    line = stream.readline()
    if not line:
        return None
    length = 0
    while (header := stream.readline().strip()) != b"":
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return line.split(b"/")[1].decode(), stream.read(length)


@dataclass
class PlayedGateway(Gateway):
    """A gateway with an upstream, a target and a route for each exchange."""

    cases: tuple[Case, ...] = ()

    def write_config(self, listen: str = "127.0.0.1:0") -> None:
        tables = [
            f'[gateway]\nname = "test"\nlisten = "{listen}"',
            f'socket = "{self.socket}"\nstate = "{self.state}"',
        ]
        for case in self.cases:
            tables += [
                f'[upstreams."{case.id}"]\nbase_url = "{self.upstream.base_url}/{case.id}/v1"',
                f'key = {{ env = "TEST_UPSTREAM_KEY" }}\ntimeout_s = 20\n{case.upstream}',
                f'[targets."{case.id}/m"]\n{TARGET}',
                f'[routes."{case.id}"]\ntargets = ["{case.id}/m"]',
            ]
        self.config.write_text("\n".join([*tables, self.projects]))

    def calls_of(self, cases: Sequence[Case]) -> dict[str, dict[str, Any]]:
        """The newest call of each of these in the ledger, once all are there."""

        def newest() -> dict[str, dict[str, Any]] | None:
            found = {row["model"]: row for row in reversed(self.calls())}
            return found if all(case.id in found for case in cases) else None

        return dict(wait_until(newest))


@contextlib.contextmanager
def playing(directory: Path, cases: tuple[Case, ...]) -> Iterator[PlayedGateway]:
    """A player of these and a gateway before it, both ended at the end."""
    named = {case.id: case for case in cases}
    assert len(named) == len(cases), "two exchanges have one name"
    with Player(named).serving() as address:
        # There is no process behind the player: all that is asked of it is its address.
        upstream = SimUpstream(None, address, directory / "none")  # type: ignore[arg-type]
        gateway = PlayedGateway(directory, upstream, PROJECT, cases=cases)
        try:
            gateway.start()
            yield gateway
        finally:
            if gateway.process.poll() is None:
                gateway.kill()

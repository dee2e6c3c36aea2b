"""The simulated upstream in the test's own loop, on a real socket."""

import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from quotadeck.sim.calllog import CallLog, Line
from quotadeck.sim.limits import Limits
from quotadeck.sim.service import Service
from quotadeck.sim.upstream import build_app


class Bills(CallLog):
    """Its record, kept for the test instead of in a file."""

    def __init__(self) -> None:
        super().__init__(None)
        self.lines: list[Line] = []

    def write(self, line: Line) -> None:
        self.lines.append(line)


@dataclass(slots=True)
class Upstream:
    """A provider under test. ``requests`` are all that reached it, refused ones too."""

    root: str
    service: Service
    bills: Bills = field(default_factory=Bills)

    @property
    def base_url(self) -> str:
        return f"{self.root}/v1"

    @property
    def requests(self) -> int:
        return self.service._served

    def fault(self, kind: str, **more: Any) -> None:
        self.service.faults.put({"kind": kind, **more})


@asynccontextmanager
async def upstream(*, enforced: bool = False, speed: float = 0) -> AsyncIterator[Upstream]:
    bills = Bills()
    service = Service(seed=7, speed=speed, key=None, log=bills, limits=Limits(enforced=enforced))
    runner = web.AppRunner(build_app(service), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        # Told by aiohttp once a process, in the middle of a request.
        warnings.simplefilter("ignore", web.NotAppKeyWarning)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield Upstream(f"http://127.0.0.1:{runner.addresses[0][1]}", service, bills)
    finally:
        await runner.cleanup()

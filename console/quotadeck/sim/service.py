"""The simulated upstream's state, and the mark that each request gets."""

import hashlib
import time
from dataclasses import dataclass, field

from aiohttp import web

from quotadeck.sim.calllog import CallLog
from quotadeck.sim.faults import Board
from quotadeck.sim.limits import Limits

CALLER_ID_MAX = 512
"""OpenAI's bound on an X-Client-Request-Id."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells this request from every other."""

    request_id: str
    digest: str
    """What the reply's id is made of."""
    caller_id: str | None
    began_s: float

    def put_on(self, response: web.StreamResponse) -> None:
        """Set the headers that every answer of the provider carries."""
        took_ms = int((time.monotonic() - self.began_s) * 1000)
        response.headers["x-request-id"] = self.request_id
        response.headers["request-id"] = self.request_id
        response.headers["openai-processing-ms"] = str(took_ms)
        response.headers["openai-version"] = "2020-10-01"
        response.headers["openai-organization"] = "org-sim"


@dataclass(slots=True)
class Service:
    """Everything a handler needs."""

    seed: int
    speed: float
    key: str | None
    log: CallLog
    limits: Limits
    faults: Board = field(default_factory=lambda: Board(time.monotonic))
    contexts: dict[str, int] = field(default_factory=dict)
    """The tokens that go before a request which goes on from a response, by its id."""
    _served: int = 0

    def mark(self, request: web.Request) -> Mark:
        """Number a request.

        Ids come from the seed, the number and the caller's own id; and from where the log
        stood at the start, so that a restart on the same log repeats none.
        """
        self._served += 1
        caller_id = request.headers.get("X-Request-Id")
        if caller_id is not None:
            caller_id = caller_id[:CALLER_ID_MAX]
        source = f"{self.seed}:{self.log.size_at_start}:{self._served}:{caller_id}"
        digest = hashlib.blake2b(source.encode("utf-8", "replace"), digest_size=32).hexdigest()
        return Mark(
            request_id=f"req_{digest[:32]}",
            digest=digest[32:61],
            caller_id=caller_id,
            began_s=time.monotonic(),
        )


SERVICE = web.AppKey("service", Service)
MARK = "mark"

"""The first reading, asked for before its reader is loaded: both processes work at once."""

from pathlib import Path

from quotadeck.clock import monotonic_ns
from quotadeck.sources.base import Reading
from quotadeck.sources.gateway import questions
from quotadeck.sources.gateway.client import GatewayClient


class Ahead:
    """Asks when it is made, on two connections, and waits for nothing.

    Raises SourceGone where nobody is there.
    """

    def __init__(self, path: Path) -> None:
        self._whoami = GatewayClient(path)
        self._snapshot = GatewayClient(path)
        self._asked_ns = monotonic_ns()
        self._whoami.send(questions.whoami())
        self._snapshot.send(questions.snapshot())

    def reading(self) -> Reading:
        """What came, as of when it was asked for: it may have lain here for a while.

        Waits for it, once. Raises SourceError.
        """
        with self._whoami as one, self._snapshot as other:
            whoami = one.receive(questions.whoami())
            snapshot = other.receive(questions.snapshot())
        return Reading(snapshot, whoami, self._asked_ns, fresh=True)

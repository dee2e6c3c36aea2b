"""A gateway asked by a command: one connection, one question after the other, nothing beside.

http.client and no event loop: a command that prints a few lines should not load more than it says.
"""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

from quotadeck.clock import monotonic_ns
from quotadeck.domain.text import clean
from quotadeck.sources.base import Reading, SourceGone
from quotadeck.sources.gateway import questions
from quotadeck.sources.gateway.absent import connected
from quotadeck.sources.gateway.questions import Question

if TYPE_CHECKING:
    from http.client import HTTPConnection

ANSWER_S: Final = 10.0
"""For a whole answer. A command that loosens is synced to disk first: slow, but not this slow."""

T = TypeVar("T")


class GatewayClient:
    """Asks a gateway. A context: the connection ends with it."""

    def __init__(self, path: Path, *, answer_s: float = ANSWER_S) -> None:
        self._path = path
        self._answer_s = answer_s
        self._http: HTTPConnection | None = None

    @property
    def label(self) -> str:
        """The socket's path."""
        return clean(str(self._path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._http is not None:
            self._http.close()

    def ask(self, question: Question[T]) -> T:
        """The answer. Raises SourceGone or SourceError, in words."""
        from http.client import HTTPException

        http = self._connected()
        try:
            http.request(
                question.method, question.target, body=question.body, headers=question.headers
            )
            response = http.getresponse()
            body = response.read()
        except TimeoutError:
            raise SourceGone(
                f"the gateway at {self.label} was silent for {self._answer_s:g} s ({question.name})"
            ) from None
        except (OSError, HTTPException) as lost:
            why = clean(str(lost) or type(lost).__name__, 120)
            raise SourceGone(
                f"the connection to {self.label} was lost ({question.name}: {why})"
            ) from None
        return question.answer(response.status, body, self.label)

    def snapshot(self) -> Reading:
        """One reading, now, and whom the gateway takes us for."""
        whoami = self.ask(questions.whoami())
        snapshot = self.ask(questions.snapshot())
        return Reading(snapshot, whoami, monotonic_ns(), fresh=True)

    def _connected(self) -> "HTTPConnection":
        if self._http is None:
            from http.client import HTTPConnection

            self._http = HTTPConnection("gateway")
        if self._http.sock is None:  # the first time, or the gateway closed it after its answer
            self._http.sock = connected(self._path)
            self._http.sock.settimeout(self._answer_s)
        return self._http

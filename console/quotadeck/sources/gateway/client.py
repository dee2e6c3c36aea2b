"""A gateway asked over one blocking connection, by what asks once or twice and is gone.

No HTTP client and no event loop is loaded for it: a command that prints a few lines should not
load more than it says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import Final, Self, TypeVar

from httptools import HttpParserError, HttpResponseParser

from quotadeck.clock import monotonic_ns
from quotadeck.domain.text import clean
from quotadeck.sources.base import Reading, SourceGone
from quotadeck.sources.gateway import questions
from quotadeck.sources.gateway.absent import connected
from quotadeck.sources.gateway.questions import Question

ANSWER_S: Final = 10.0
"""For a whole answer. A command that loosens is synced to disk first: slow, but not this slow."""
_CHUNK_BYTES: Final = 256 * 1024

T = TypeVar("T")


class GatewayClient:
    """Asks a gateway, one question after the other. A context: the connection ends with it."""

    def __init__(self, path: Path, *, answer_s: float = ANSWER_S) -> None:
        self._path = path
        self._answer_s = answer_s
        self._socket: socket | None = None

    @property
    def label(self) -> str:
        """The socket's path."""
        return clean(str(self._path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(self, question: Question[T]) -> T:
        """The answer. Raises SourceGone or SourceError."""
        self.send(question)
        return self.receive(question)

    def snapshot(self) -> Reading:
        """One reading, now, and whom the gateway takes us for."""
        whoami = self.ask(questions.whoami())
        snapshot = self.ask(questions.snapshot())
        return Reading(snapshot, whoami, monotonic_ns(), fresh=True)

    def send(self, question: Question[T]) -> None:
        """Ask, and wait for nothing: `receive` must be what follows."""
        if self._socket is None:
            self._socket = connected(self._path)
            self._socket.settimeout(self._answer_s)
        with self._failures(question.name):
            self._socket.sendall(question.sent())

    def receive(self, question: Question[T]) -> T:
        """The answer to what was sent."""
        assert self._socket is not None, "nothing was sent"
        answer = _Answer()
        with self._failures(question.name):
            while not answer.complete:
                answer.take(self._socket.recv(_CHUNK_BYTES))
        if not answer.keeps:
            self.close()
        return question.answer(answer.status, bytes(answer.body), self.label)

    @contextmanager
    def _failures(self, name: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise SourceGone(
                "source.silent", socket=self.label, silent_s=f"{self._answer_s:g}", asked=name
            ) from None
        except (OSError, HttpParserError) as lost:
            why = clean(str(lost) or type(lost).__name__, 120)
            raise SourceGone("source.lost", socket=self.label, asked=name, what=why) from None


class _Answer:
    """What has come of an answer so far."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.status = 0
        self.body = bytearray()
        self.keeps = False
        """The connection serves another question."""
        self.complete = False

    def take(self, data: bytes) -> None:
        """Raises ConnectionError where nothing more comes, HttpParserError for what is no HTTP."""
        if not data:
            raise ConnectionError("it ended before its answer did")
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.keeps = self._parser.should_keep_alive()
        self.complete = True

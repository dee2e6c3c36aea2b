"""The gateway as a manager asks it: over one connection that is kept, with the standard library."""

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

TIMEOUT_S: Final = 5.0
PATH: Final = "/v1/quota/leases"
NO_GATEWAY: Final = "what answers there is no gateway of Quotadeck: status {}"


class Away(Exception):
    """Nobody answers there, or what answers is no gateway; the text says what was met."""


class Answer(NamedTuple):
    """``wait_ms`` is what a refusal tells to wait, None where it tells nothing."""

    status: int
    body: dict[str, Any]
    wait_ms: int | None

    @property
    def code(self) -> str:
        """Of a refusal."""
        return str(self._error.get("code") or "")

    @property
    def message(self) -> str:
        """Of a refusal."""
        return str(self._error.get("message") or f"the gateway answered {self.status}")

    @property
    def _error(self) -> dict[str, Any]:
        error = self.body.get("error")
        return error if isinstance(error, dict) else {}


def is_gateways(method: str, answer: Answer) -> bool:
    """Whether a gateway answers so, and not something else at a wrong address."""
    if answer.status in (404, 405):
        return answer.code.startswith("lease_")
    return answer.status != 200 or method == "DELETE" or {"id", "quota"} <= answer.body.keys()


class Door:
    """``gateway`` is its address, such as ``http://127.0.0.1:8080``, with ``/v1`` or without.

    Raises ValueError for an address that is none. For one thread.
    """

    def __init__(self, gateway: str, key: str, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(gateway)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"gateway= is an address like http://127.0.0.1:8080, not {gateway!r}")
        if not key or not key.isascii() or not key.isprintable():
            raise ValueError("key= is a project's key, as `quotadeck key add` makes it")
        self.origin = (
            parts.scheme,
            parts.hostname,
            parts.port or (443 if parts.scheme == "https" else 80),
        )
        self._under = parts.path.rstrip("/").removesuffix("/v1")
        self._key = key
        self.timeout_s = timeout_s
        self._connection: HTTPConnection | None = None

    def ask(self, method: str, lease: str, project: str, asked: dict[str, Any]) -> Answer:
        """Raises Away."""
        path = f"{self._under}{PATH}{f'/{lease}' if lease else ''}"
        body = json.dumps(asked).encode() if method == "POST" else b""
        headers = {
            "authorization": f"Bearer {self._key}",
            "x-project-id": project,
            "content-type": "application/json",
        }
        kept = self._connection is not None
        try:
            return self._answer(method, path, body, headers)
        except (OSError, HTTPException, ValueError) as lost:
            self.close()
            if not kept or isinstance(lost, TimeoutError | ValueError):
                raise Away(_why(lost)) from None
        try:  # it may have been closed since it was used last: then nothing was asked
            return self._answer(method, path, body, headers)
        except (OSError, HTTPException, ValueError) as lost:
            self.close()
            raise Away(_why(lost)) from None

    def close(self) -> None:
        """Let go of the connection; the next question opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        if self._connection is None:
            scheme, host, port = self.origin
            kind = HTTPSConnection if scheme == "https" else HTTPConnection
            self._connection = kind(host, port, timeout=self.timeout_s)
        self._connection.request(method, path, body, headers)
        reply = self._connection.getresponse()
        try:
            told = dict(json.loads(reply.read() or b"{}"))
        except (TypeError, ValueError):
            raise ValueError(NO_GATEWAY.format(reply.status)) from None
        wait = reply.headers.get("retry-after-ms", "")
        return Answer(reply.status, told, int(wait) if wait.isdecimal() else None)


def _why(lost: Exception) -> str:
    if isinstance(lost, OSError):
        return lost.strerror or str(lost) or type(lost).__name__
    return str(lost) or type(lost).__name__

"""The HTTP client of a gateway's leases: one connection that is kept, by the standard library."""

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

from quotadeck.client.leased.answer import NO_GATEWAY, Answer, Away

TIMEOUT_S: Final = 5.0
LEASES: Final = "/v1/quota/leases"
USED: Final = "/v1/quota/used"


class GatewayClient:
    """``gateway`` is its address, such as ``http://127.0.0.1:8080``, with ``/v1`` or without.

    Raises ValueError for an address or a key that is none. To be used by one thread.
    """

    def __init__(self, gateway: str, key: str, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(gateway)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"gateway= is an address like http://127.0.0.1:8080, not {gateway!r}")
        if not key or not key.isascii() or not key.isprintable():
            raise ValueError("key= is a project's key, as `quotadeck key add` makes it")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self.origin = parts.scheme, parts.hostname, port
        """Scheme, host and port."""
        self.under = parts.path.rstrip("/").removesuffix("/v1")
        """The path below which its own begin; none as a rule."""
        self._gateway, self._key = gateway, key
        self.timeout_s = timeout_s
        self._connection: HTTPConnection | None = None

    def another(self) -> "GatewayClient":
        """One for another thread."""
        return GatewayClient(self._gateway, self._key, self.timeout_s)

    def ask(self, method: str, path: str, project: str, asked: dict[str, Any]) -> Answer:
        """Raises Away where no gateway answers, also for any 5xx and for what none would say."""
        path = f"{self.under}{path}"
        body = json.dumps(asked).encode() if method == "POST" else b""
        headers = {
            "authorization": f"Bearer {self._key}",
            "x-project-id": project,
            "content-type": "application/json",
        }
        kept = self._connection is not None
        try:
            return self._answer(method, path, body, headers)
        except (OSError, HTTPException) as lost:
            self.close()
            if not kept or isinstance(lost, TimeoutError):
                raise Away(_why(lost)) from None
        try:  # one that was kept may have been closed meanwhile: then nothing was asked
            return self._answer(method, path, body, headers)
        except (OSError, HTTPException) as lost:
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
        wait = reply.headers.get("retry-after-ms", "")
        try:
            told = json.loads(reply.read() or b"{}")
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise Away(NO_GATEWAY.format(reply.status))
        answer = Answer(reply.status, told, int(wait) if wait.isdecimal() else None)
        if answer.status >= 500:
            raise Away(answer.message)
        if answer.status in (404, 405) and not answer.code.startswith("lease_"):
            raise Away(NO_GATEWAY.format(answer.status))
        return answer


def _why(lost: Exception) -> str:
    if isinstance(lost, OSError):
        return lost.strerror or str(lost) or type(lost).__name__
    return str(lost) or type(lost).__name__

"""One small request to a provider, by the standard library alone.

Redirects are not followed: the key would be sent to whoever they name.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, Final, NamedTuple

from quotadeck.client.help.failures import Failure, Kind, failure_of

_MOST_BYTES: Final = 4_000_000
_PART_BYTES: Final = 65_536
_CODE: Final = re.compile(r"[a-z][a-z_]{1,40}")


class NotReached(Exception):
    """No answer came. The text says why, in the system's words."""


class Answer(NamedTuple):
    """``body`` is its JSON (None: it has none), ``failure`` what it says where it is no 2xx."""

    status: int
    body: Any
    failure: Failure

    @property
    def kind(self) -> Kind:
        return self.failure.kind

    @property
    def said(self) -> str:
        """Its status, and its error's code where that is a plain word: ``401 invalid_api_key``."""
        code = self.failure.code if _CODE.fullmatch(self.failure.code) else ""
        return f"{self.status} {code}".strip()

    def ids(self) -> tuple[str, ...] | None:
        """The ids of what it lists, such as models; None where it is no list."""
        listed = self.body.get("data") if isinstance(self.body, dict) else None
        if self.status >= 300 or not isinstance(listed, list):
            return None
        found = (one.get("id") for one in listed if isinstance(one, dict))
        return tuple(one for one in found if isinstance(one, str))


def ask(
    url: str, headers: Mapping[str, str], timeout_s: float, body: Mapping[str, Any] | None = None
) -> Answer:
    """GET, or POST where there is a body. Raises NotReached."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None

    if not url.startswith(("https://", "http://")):
        raise NotReached("its address begins with neither https:// nor http://")
    data = None if body is None else json.dumps(body).encode()
    named = {**headers, "Accept": "application/json", "User-Agent": "quotadeck"}
    if data is not None:
        named["Content-Type"] = "application/json"
    until_s = monotonic() + timeout_s
    try:
        request = Request(url, data, named)  # noqa: S310 - its scheme is one of the two above
        try:
            with build_opener(Stay()).open(request, timeout=timeout_s) as reply:
                return Answer(reply.status, _json(_read(reply, until_s)), Failure(Kind.OTHER))
        except HTTPError as error:
            with error, suppress(OSError, HTTPException):  # its status says what matters most
                error.__dict__["body"] = _json(_read(error, until_s))
            return Answer(error.code, error.__dict__.get("body"), failure_of(error))
    except (OSError, HTTPException, ValueError) as error:
        raise NotReached(_why(error)) from None


def _read(reply: Any, until_s: float) -> bytes:
    """Its body. Raises TimeoutError where it comes by drops, IncompleteRead where it is cut."""
    from http.client import IncompleteRead

    parts, left = [], _MOST_BYTES
    while left > 0 and (part := reply.read1(min(left, _PART_BYTES))):
        parts.append(part)
        left -= len(part)
        if monotonic() > until_s:
            raise TimeoutError
    if left and reply.length:
        raise IncompleteRead(b"", reply.length)
    return b"".join(parts)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _why(error: Exception) -> str:
    """In the system's words; a header's value, which an error may quote, is never among them."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError) or isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(reason, OSError):
        return getattr(reason, "verify_message", "") or reason.strerror or type(reason).__name__
    return type(error).__name__

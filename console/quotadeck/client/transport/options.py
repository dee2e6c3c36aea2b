"""What may be said to a managed HTTP client."""

from typing import Any, TypedDict

from quotadeck.client.backoff import Backoff
from quotadeck.domain.limits import Priority


class ClientOptions(TypedDict, total=False):
    """The first six are ours; the others are the HTTP library's own, and passed on to it."""

    library: str
    """``httpx2`` or ``httpx``: by default the first of them that is installed."""
    priority: Priority | str
    """Of all its calls, instead of the project's."""
    patience: float
    """Seconds that a call may wait in all, by default its timeout for a connection (``pool``)."""
    backoff: Backoff
    """How often a provider's 429 and 5xx are tried again, and how long is waited before where it
    names no wait itself."""
    stream_usage: bool
    """Whether a chat's stream is asked to tell its usage where the client does not: yes by default.
    What tells it is kept from the client."""
    transport: Any
    """The library's transport that carries the bytes, where it is not its usual one."""

    timeout: Any
    limits: Any
    verify: Any
    cert: Any
    http1: bool
    http2: bool
    proxy: Any
    mounts: Any
    trust_env: bool
    headers: Any
    cookies: Any
    auth: Any
    follow_redirects: bool
    max_redirects: int
    event_hooks: Any

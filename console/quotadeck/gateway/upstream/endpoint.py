"""Where requests go: all that is the same for each request to one path of one upstream."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from quotadeck.domain.catalogue import Upstream


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``credentials`` are headers that carry the key, and stay out of every representation.

    ``timeout_s`` is for the whole of a request, from its connection to the reply's last byte.
    """

    name: str
    url: str
    credentials: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    timeout_s: float


def endpoint_of(
    upstream: Upstream, path: str, credentials: Iterable[tuple[bytes, bytes]]
) -> Endpoint:
    """The endpoint of a path under the upstream's base URL."""
    return Endpoint(upstream.name, upstream.base_url + path, tuple(credentials), upstream.timeout_s)

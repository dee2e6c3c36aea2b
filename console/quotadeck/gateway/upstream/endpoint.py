"""Where requests go: all that is the same for each request to one path of one upstream."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from quotadeck.domain.catalogue import Upstream


class Origin(NamedTuple):
    """What a connection leads to; requests to the same one share connections."""

    host: str
    port: int
    """0: the address has none that is one, and nobody can be reached there."""
    tls: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``head`` carries the key, and stays out of every representation.

    ``timeout_s`` is for the whole of a request, from its connection to the reply's last byte.
    """

    name: str
    origin: Origin
    head: bytes = field(repr=False)
    """A request's head up to the value of x-request-id, which is its last line but one."""
    timeout_s: float


def endpoint_of(upstream: Upstream, path: str, headers: Iterable[tuple[bytes, bytes]]) -> Endpoint:
    """The endpoint of a path under the upstream's base URL, which is plain ASCII.

    ``headers`` are the dialect's own, the key's among them. Raises ValueError where one is more
    than a header line.
    """
    url = urlsplit(upstream.base_url + path)
    tls = url.scheme == "https"
    try:
        port = url.port or (443 if tls else 80)
    except ValueError:
        port = 0
    # No coding is asked for: what packing saves on the way costs both ends CPU and a stream its
    # pace. What comes packed all the same is unpacked.
    lines = [
        f"POST {url.path} HTTP/1.1".encode("ascii"),
        b"host: " + url.netloc.encode("ascii"),
        b"accept: */*",
        b"accept-encoding: identity",
    ]
    for name, value in headers:
        if not name.isascii() or any(byte < 0x20 or byte == 0x7F for byte in name + value):
            raise ValueError(f"the key of {upstream.name} does not fit into a header")
        lines.append(b"%b: %b" % (name, value))
    lines.append(b"x-request-id: ")
    origin = Origin(url.hostname or "", port, tls)
    return Endpoint(upstream.name, origin, b"\r\n".join(lines), upstream.timeout_s)

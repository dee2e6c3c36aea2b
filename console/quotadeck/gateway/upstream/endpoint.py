"""Where requests go: all that is the same for each request to one path of one upstream."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import SplitResult, urlencode, urlsplit

from quotadeck.domain.catalogue import Upstream


class Proxy(NamedTuple):
    """An http proxy on the way. ``login`` is the value of proxy-authorization, empty without one;
    it stays out of every representation."""

    host: str
    port: int
    login: bytes

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"


class Origin(NamedTuple):
    """What a connection leads to, and how; requests to the same one share connections."""

    host: str
    port: int
    """0: the address has none that is one, and nobody can be reached there."""
    tls: bool
    proxy: Proxy | None = None
    ca_file: str = ""
    """Who is trusted there, where it is not whom the machine trusts."""


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


def endpoint_of(
    upstream: Upstream, path: str, headers: Iterable[tuple[bytes, bytes]], method: str = "POST"
) -> Endpoint:
    """The endpoint of a path under the upstream's base URL, which is plain ASCII.

    ``headers`` are the dialect's own, the key's among them; the upstream's own take their place.
    Raises ValueError where one is more than a header line.
    """
    url = urlsplit(upstream.base_url + path)
    tls = url.scheme == "https"
    proxy = _proxy(upstream) if upstream.proxy else None
    query = "&".join(filter(None, (url.query, urlencode(upstream.query))))
    target = f"{url.path}?{query}" if query else url.path
    if proxy is not None and not tls:
        target = f"http://{url.netloc}{target}"  # RFC 9112, 3.2.2
    # No coding is asked for: what packing saves on the way costs both ends CPU and a stream its
    # pace. What comes packed all the same is unpacked.
    lines = [
        f"{method} {target} HTTP/1.1".encode("ascii"),
        b"host: " + url.netloc.encode("ascii"),
        b"accept: */*",
        b"accept-encoding: identity",
    ]
    if proxy is not None and proxy.login and not tls:
        lines.append(b"proxy-authorization: " + proxy.login)
    sent = {name.lower(): value for name, value in headers}
    sent |= {name.lower().encode(): value.encode() for name, value in upstream.headers}
    for name, value in sent.items():
        if not name.isascii() or any(byte < 0x20 or byte == 0x7F for byte in name + value):
            raise ValueError(f"the key of {upstream.name} does not fit into a header")
        lines.append(b"%b: %b" % (name, value))
    lines.append(b"x-request-id: ")
    origin = Origin(
        url.hostname or "", _port(url, 443 if tls else 80), tls, proxy, upstream.ca_file
    )
    return Endpoint(upstream.name, origin, b"\r\n".join(lines), upstream.timeout_s)


def _proxy(upstream: Upstream) -> Proxy:
    url = urlsplit(upstream.proxy)
    login = upstream.proxy_login.encode()
    value = b"Basic " + b64encode(login) if login else b""
    return Proxy(url.hostname or "", _port(url, 80), value)


def _port(url: SplitResult, default: int) -> int:
    try:
        return url.port or default
    except ValueError:
        return 0

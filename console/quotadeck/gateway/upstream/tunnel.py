"""A way through an http proxy: CONNECT (RFC 9110, 9.3.6), behind which TLS begins."""

import asyncio
import re
import socket
from typing import Final

from quotadeck.gateway.upstream.endpoint import Origin, Proxy

HEAD_BYTES: Final = 16 * 1024
"""Of what a proxy answers."""
_STATUS: Final = re.compile(rb"HTTP/1\.[0-9] ([0-9]{3})(?:[ \r\n]|$)")
_END: Final = b"\r\n\r\n"


class NoTunnel(Exception):
    """The proxy opens no way; its text says why, for people."""


async def tunnel(sock: socket.socket, origin: Origin, proxy: Proxy) -> None:
    """Have the proxy that ``sock`` is connected to lead it on. Raises NoTunnel or OSError."""
    loop = asyncio.get_running_loop()
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    at = f"{host}:{origin.port}".encode("ascii")
    lines = [b"CONNECT %b HTTP/1.1" % at, b"host: " + at]
    if proxy.login:
        lines.append(b"proxy-authorization: " + proxy.login)
    await loop.sock_sendall(sock, b"\r\n".join(lines) + _END)
    head = b""
    while _END not in head:
        piece = await loop.sock_recv(sock, HEAD_BYTES)
        head += piece
        if not piece or len(head) > HEAD_BYTES:
            break
    status = int(found[1]) if (found := _STATUS.match(head)) else 0
    if status // 100 != 2:
        raise NoTunnel(_why(status, proxy))
    # Whoever is behind it waits for us to speak: what came already is not theirs.
    if not head.endswith(_END):
        raise NoTunnel("what the proxy answers is no http")


def _why(status: int, proxy: Proxy) -> str:
    match status:
        case 0:
            return "what the proxy answers is no http"
        case 407 if proxy.login:
            return "the proxy refuses our login (407)"
        case 407:
            return "the proxy wants a login (407): proxy_login in the config"
        case 401 | 403:
            return f"the proxy does not let us there ({status})"
        case 502 | 503 | 504:
            return f"the proxy gets no connection there ({status})"
        case _:
            return f"the proxy opens no tunnel ({status})"

"""What can befall a connection."""

import socket
import struct

from aiohttp import web

NO_LINGER = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST at once instead of FIN (socket(7))."""


class ConnectionCutError(Exception):
    """The connection is to be reset here."""


def reset(request: web.Request) -> None:
    """Reset the connection of a request, as a crashed server or a firewall would."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    transport.abort()


def is_open(request: web.Request) -> bool:
    """Whether the client is still there, as far as is known."""
    return request.transport is not None and not request.transport.is_closing()

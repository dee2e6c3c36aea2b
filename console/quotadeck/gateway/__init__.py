"""The gateway: the data plane that enforces limits, and the admin API that changes them."""

from quotadeck.gateway.connection.peer import SocketError
from quotadeck.gateway.process.server import ListenFailed, Ready, run, serve

__all__ = ["ListenFailed", "Ready", "SocketError", "run", "serve"]

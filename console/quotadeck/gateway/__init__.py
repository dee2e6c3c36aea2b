"""The gateway: the data plane that enforces limits, and the admin API that changes them."""

from quotadeck.gateway.peer import SocketError
from quotadeck.gateway.server import ListenFailed, Ready, run, serve

__all__ = ["ListenFailed", "Ready", "SocketError", "run", "serve"]

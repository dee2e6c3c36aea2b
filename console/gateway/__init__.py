"""The gateway: the data plane that enforces limits, and the admin API that changes them."""

from console.gateway.peer import SocketError
from console.gateway.server import ListenFailed, Ready, run, serve

__all__ = ["ListenFailed", "Ready", "SocketError", "run", "serve"]

"""Our own gateway as a source: its admin API over the Unix socket.

`GatewayClient` is for a command that asks once or twice and is gone. What the console follows is
in `source`, asynchronous and over httpx; `quotadeck.sources.registry` opens it.
"""

from quotadeck.sources.gateway.absent import knock
from quotadeck.sources.gateway.client import GatewayClient
from quotadeck.sources.gateway.questions import Question

__all__ = ["GatewayClient", "Question", "knock"]

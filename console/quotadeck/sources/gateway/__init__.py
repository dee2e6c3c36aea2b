"""Our own gateway as a source: its admin API over the Unix socket.

`GatewaySource` is the console's, asynchronous and over httpx; `GatewayClient` is for a command
that asks once or twice and is gone. Importing them loads no HTTP client.
"""

from quotadeck.sources.gateway.absent import knock
from quotadeck.sources.gateway.client import GatewayClient
from quotadeck.sources.gateway.questions import Question
from quotadeck.sources.gateway.source import GatewaySource

__all__ = ["GatewayClient", "GatewaySource", "Question", "knock"]

"""What the console can be connected to. Importing it loads no HTTP client and no loop."""

from quotadeck.sources.base import Reading, Source, SourceError, SourceGone
from quotadeck.sources.gateway import GatewayClient, knock
from quotadeck.sources.registry import open_source

__all__ = [
    "GatewayClient",
    "Reading",
    "Source",
    "SourceError",
    "SourceGone",
    "knock",
    "open_source",
]

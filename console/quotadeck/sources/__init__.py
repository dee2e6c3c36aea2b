"""What the console can be connected to. Importing the front door loads no HTTP client and no loop.

The models of a command's answers come through here, too, and load pydantic when one is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from quotadeck.sources.base import Reading, Source, SourceError, SourceGone
from quotadeck.sources.gateway import GatewayClient, knock
from quotadeck.sources.registry import open_source

if TYPE_CHECKING:
    from quotadeck.wire.messages import AuditPage, AuditRow, CommandAnswer, Estimate

__all__ = [
    "AuditPage",
    "AuditRow",
    "CommandAnswer",
    "Estimate",
    "GatewayClient",
    "Reading",
    "Source",
    "SourceError",
    "SourceGone",
    "knock",
    "load_answers",
    "open_source",
]


def load_answers() -> None:
    """Load what commands and their answers need, pydantic among it: 100 ms, at a calm moment."""
    import_module("quotadeck.wire.messages")


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("quotadeck.wire.messages"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""What the console can be connected to. Importing the front door loads neither httpx nor pydantic.

The answers' models come through here too, because the console's screens see sources, not wire;
they are loaded when the first of them is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from quotadeck.sources.base import Reading, Source, SourceError, SourceGone
from quotadeck.sources.gateway import GatewaySource, knock

if TYPE_CHECKING:
    from quotadeck.wire.messages import (
        AuditPage,
        AuditRow,
        CallRow,
        CallsPage,
        CommandAnswer,
        Estimate,
        EventRow,
        EventsPage,
        KeyRow,
        KeysAnswer,
    )

__all__ = [
    "AuditPage",
    "AuditRow",
    "CallRow",
    "CallsPage",
    "CommandAnswer",
    "Estimate",
    "EventRow",
    "EventsPage",
    "GatewaySource",
    "KeyRow",
    "KeysAnswer",
    "Reading",
    "Source",
    "SourceError",
    "SourceGone",
    "knock",
    "load_answers",
]


def load_answers() -> None:
    """Load what commands and their answers need, pydantic among it: 100 ms, at a calm moment."""
    for module in ("quotadeck.wire.messages", "quotadeck.wire.translate"):
        import_module(module)


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("quotadeck.wire.messages"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""The systems that the console can be connected to: a folder each, and here a row."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from quotadeck.sources.base import Source

SOURCES: Final[Mapping[str, str]] = {
    "gateway": "quotadeck.sources.gateway.source:GatewaySource",
}
"""Kind of system → the class that reads it, given the place where it is."""


def open_source(kind: str, place: Path) -> Source:
    """A source of that kind; its code is loaded now. Nothing is connected yet."""
    module, _, name = SOURCES[kind].partition(":")
    source: Source = getattr(import_module(module), name)(place)
    return source

"""A source is a folder and a row."""

from importlib import import_module
from pathlib import Path

import pytest

from quotadeck.domain.capability import Capabilities, FigureKind, Read
from quotadeck.domain.commands import Action
from quotadeck.domain.verbs import VERBS
from quotadeck.sources import open_source, registry
from quotadeck.sources.base import Source


class Pages:
    """A provider's usage pages: read now and then, never commanded."""

    capabilities = Capabilities(frozenset({Read.SNAPSHOT}), frozenset(), FigureKind.REPORTED)

    def __init__(self, place: Path) -> None:
        self.label = str(place)


def test_a_row_more_is_a_source_more(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"pages": f"{__name__}:Pages"}
    monkeypatch.setattr(registry, "SOURCES", {**registry.SOURCES, **row})
    source = open_source("pages", Path("/here"))
    assert (source.label, source.capabilities.figures) == ("/here", FigureKind.REPORTED)
    assert source.capabilities.can(Read.SNAPSHOT)
    assert not source.capabilities.can(Read.AUDIT)
    assert not source.capabilities.can(Action.PAUSE)
    assert source.capabilities.can(None)


@pytest.mark.parametrize("kind", registry.SOURCES)
def test_every_source_has_all_that_the_console_asks_for(kind: str) -> None:
    module, _, name = registry.SOURCES[kind].partition(":")
    made = getattr(import_module(module), name)
    asked = {name for name in vars(Source) if not name.startswith("_")}
    assert asked <= set(dir(made))
    assert isinstance(open_source(kind, Path("/nowhere")).capabilities, Capabilities)


def test_the_gateway_can_do_everything_and_decides_on_what_it_tells() -> None:
    can = open_source("gateway", Path("/nowhere")).capabilities
    assert all(map(can.can, Read))
    assert all(map(can.can, VERBS))
    assert (can.figures, can.why) == (FigureKind.ENFORCED, None)

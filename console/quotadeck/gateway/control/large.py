"""Changes of many values: kept together, and decided beside the event loop."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from time import thread_time_ns
from typing import Final, Protocol, TypeVar

from quotadeck.domain.commands import Action, Command, Entry
from quotadeck.domain.layers import Layers

T = TypeVar("T")

CHARGED: Final = ContextVar[Callable[[int], None]]("charged", default=lambda _: None)
"""Who is told how many nanoseconds a step took beside the loop, on whose behalf it was done."""
LARGE: Final = 32
"""So many values of one change are decided beside the event loop: ten thousand take a second."""


class Watching(Protocol):
    """See `quotadeck.gateway.watch.effects.Effects`."""

    def changed(self, entries: Sequence[Entry], /) -> None: ...
    def cut_off(self, entries: Sequence[Entry], /) -> None: ...


class _Unwatched:
    def changed(self, entries: Sequence[Entry], /) -> None:
        """Nobody measures."""

    cut_off = changed


UNWATCHED: Final = _Unwatched()


def is_large(request: Command) -> bool:
    """Whether it may come to many entries: what an undo takes back is not told by it."""
    by_name = request.action in (Action.UNDO, Action.REDO)
    return by_name or bool(request.all_but) or len(request.subjects) > LARGE


async def beside(step: Callable[[], T], *, large: bool) -> T:
    """A pure step: in another thread where it may take long.

    That thread takes turns with the loop's: who has it work is charged as if it were the loop.
    """
    if not large:
        return step()

    def timed() -> tuple[T, int]:
        began_ns = thread_time_ns()
        return step(), thread_time_ns() - began_ns

    found, took_ns = await asyncio.to_thread(timed)
    CHARGED.get()(took_ns)
    return found


def above(entries: Iterable[Entry], layers: Layers) -> list[Entry]:
    """The overrides that stay in force above them."""
    return [layers.by_seq[entry.under] for entry in entries if entry.under in layers.by_seq]


def changes(
    entries: Sequence[Entry], change_of: Callable[[Entry], str]
) -> Iterable[Sequence[Entry]]:
    """The entries, those of one change together."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(change_of(entry) or entry.id, []).append(entry)
    return found.values()

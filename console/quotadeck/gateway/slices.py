"""Work on many subjects in slices, between which the event loop gives requests their turn."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


async def in_slices(
    marked: set[T],
    among: Iterable[T],
    size: int,
    work: Callable[[Sequence[T]], Awaitable[None]],
) -> None:
    """Do the work on those ``among`` the marked, and take the marks away.

    A mark goes before its work begins: what happens meanwhile marks anew and is done next time. A
    slice whose work ended in an exception stays marked.
    """
    todo = list(among)
    for start in range(0, len(todo), size):
        part = todo[start : start + size]
        marked.difference_update(part)
        try:
            await work(part)
        except BaseException:
            marked.update(part)
            raise
        await asyncio.sleep(0)


async def in_turns(work: Generator[None, None, T]) -> T:
    """The result of work that lets go, at every yield, of the event loop."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result
        await asyncio.sleep(0)

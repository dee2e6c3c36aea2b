"""Work in slices loses no mark, whatever happens in the middle of it."""

import asyncio
from collections.abc import Sequence

import pytest

from quotadeck.gateway.slices import in_slices


async def test_each_is_done_once_and_others_get_a_turn_between_slices() -> None:
    marked, done, turns = set(range(10)), list[int](), 0

    async def work(part: Sequence[int]) -> None:
        assert len(part) <= 3
        done.extend(part)

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    await in_slices(marked, marked, 3, work)
    task.cancel()
    assert (sorted(done), marked) == (list(range(10)), set())
    assert turns >= 3


async def test_what_is_marked_while_it_is_worked_on_stays_marked() -> None:
    marked = {1, 2, 3}

    async def work(part: Sequence[int]) -> None:
        await asyncio.sleep(0)
        if 2 in part:
            marked.update((2, 9))

    await in_slices(marked, {1, 2}, 1, work)
    assert marked == {2, 3, 9}


@pytest.mark.parametrize("how", [ValueError, asyncio.CancelledError])
async def test_what_could_not_be_done_stays_marked(how: type[BaseException]) -> None:
    marked = {1, 2, 3, 4}

    async def work(part: Sequence[int]) -> None:
        if 3 in part:
            raise how

    with pytest.raises(how):
        await in_slices(marked, [1, 2, 3, 4], 2, work)
    assert marked == {3, 4}

"""How many requests begin in a turn of the event loop."""

import asyncio
from functools import partial

from quotadeck.gateway.connection.starting import Starting


async def turns(count: int) -> list[int]:
    """How many of so many that came at once began by the end of each turn."""
    starting, begun = Starting(), list[int]()
    for number in range(count):
        starting.begin(partial(begun.append, number))
    seen = [len(begun)]
    while seen[-1] < count:
        await asyncio.sleep(0)
        seen.append(len(begun))
    assert begun == sorted(begun)
    return seen


async def test_a_few_begin_at_once() -> None:
    assert await turns(2) == [2]
    assert await turns(3) == [3]


async def test_of_many_half_begin_each_turn_and_three_at_least() -> None:
    assert await turns(16) == [3, 9, 12, 15, 16]


async def test_who_comes_while_others_wait_begins_behind_them() -> None:
    starting, begun = Starting(), list[str]()
    for name in "abcde":
        starting.begin(partial(begun.append, name))
    starting.begin(partial(begun.append, "late"))
    for _ in range(3):
        await asyncio.sleep(0)
    assert begun == ["a", "b", "c", "d", "e", "late"]


async def test_each_turn_has_room_anew() -> None:
    starting, begun = Starting(), list[int]()
    for turn in range(1, 4):
        for _ in range(3):
            starting.begin(partial(begun.append, 0))
        assert len(begun) == 3 * turn
        await asyncio.sleep(0)

"""The memory of all request bodies together."""

import asyncio
from collections.abc import Callable

import pytest

from quotadeck.domain.refusals import BodiesTooLarge, BodyTooLarge
from quotadeck.gateway.connection.body_memory import (
    ALL_LARGE_BYTES,
    ALL_SMALL_BYTES,
    SMALL_BYTES,
    BodyMemory,
)

MB = 1024 * 1024


class Body:
    """A request whose body comes in parts; ended by `end`."""

    def __init__(self, memory: BodyMemory, project: str = "one") -> None:
        self._of = memory.of(project)
        self._held = self._of.__enter__()
        self.sends = self._held.grow

    def end(self) -> None:
        self._of.__exit__(None, None, None)


class Coming:
    """An exchange of which only the body comes, in parts of one size."""

    def __init__(self, size: int, parts: int = 1) -> None:
        self._parts = [b"x" * size] * parts

    async def body(self, grow: Callable[[int], None]) -> bytes:
        for part in self._parts:
            grow(len(part))
        return b"".join(self._parts)


async def test_what_is_received_is_counted() -> None:
    with BodyMemory(MB).of("one") as held:
        assert await held.read(Coming(1_000, parts=3), {}, MB) == b"x" * 3_000
        assert held.size == 3_000


async def test_one_body_has_a_limit_stated_or_not() -> None:
    with BodyMemory(MB).of("one") as held:
        with pytest.raises(BodyTooLarge):
            await held.read(Coming(1_000), {b"content-length": b"5000"}, 2_000)
        assert held.size == 0, "it was not waited for"
        with pytest.raises(BodyTooLarge):
            await held.read(Coming(1_000, parts=3), {}, 2_000)


async def test_large_bodies_are_given_one_after_the_other() -> None:
    loop, memory = asyncio.get_running_loop(), BodyMemory(MB)
    with memory.of("one") as first, memory.of("two") as second:
        began_s = loop.time()
        await asyncio.gather(first.read(Coming(MB), {}, MB), second.read(Coming(MB), {}, MB))
        assert loop.time() >= began_s + memory.wait_s(MB, began_s) / 2


def test_one_project_may_hold_three_quarters() -> None:
    memory = BodyMemory(10 * MB)
    bodies = [Body(memory) for _ in range(4)]
    for body in bodies[:3]:
        body.sends(10 * MB)
    with pytest.raises(BodiesTooLarge) as refused:
        bodies[3].sends(10 * MB)
    assert (refused.value.limit_bytes, refused.value.project) == (30 * MB, "one")


def test_all_projects_together_have_a_limit() -> None:
    memory = BodyMemory(10 * MB)
    bodies = [Body(memory, project) for project in ("one", "two")]
    for body in bodies:
        body.sends(ALL_LARGE_BYTES // 2)
    with pytest.raises(BodiesTooLarge) as refused:
        Body(memory, "three").sends(SMALL_BYTES * 4)
    assert refused.value.project == ""


def test_bytes_count_as_they_come_and_until_the_request_ends() -> None:
    memory = BodyMemory(10 * MB)
    first, second = Body(memory), Body(memory)
    first.sends(16 * MB)
    second.sends(14 * MB)
    with pytest.raises(BodiesTooLarge):
        second.sends(MB)
    first.end()
    second.sends(MB)
    second.end()
    Body(memory).sends(30 * MB)


def test_large_bodies_take_nothing_from_small_ones() -> None:
    memory = BodyMemory(10 * MB)
    bodies = [Body(memory, project) for project in ("one", "two")]
    for body in bodies:
        body.sends(ALL_LARGE_BYTES // 2)
    bodies += [Body(memory) for _ in range(1_000)]
    for body in bodies[2:]:
        body.sends(SMALL_BYTES)


def test_small_ones_have_a_limit_too() -> None:
    memory = BodyMemory(10 * MB)
    bodies = [Body(memory) for _ in range(ALL_SMALL_BYTES // SMALL_BYTES)]
    for body in bodies:
        body.sends(SMALL_BYTES)
    with pytest.raises(BodiesTooLarge) as refused:
        Body(memory).sends(1)
    assert refused.value.limit_bytes == ALL_SMALL_BYTES


def test_the_largest_body_that_a_config_allows_fits() -> None:
    Body(BodyMemory(100 * MB)).sends(100 * MB)


def test_large_bodies_take_turns_and_small_ones_do_not_wait() -> None:
    memory = BodyMemory(10 * MB)
    assert memory.wait_s(10 * MB, 1_000.0) == 0
    between_s = memory.wait_s(10 * MB, 1_000.0)
    assert between_s > 0
    assert memory.wait_s(5 * MB, 1_000.0) == 2 * between_s
    assert memory.wait_s(SMALL_BYTES, 1_000.0) == 0
    assert memory.wait_s(10 * MB, 2_000.0) == 0

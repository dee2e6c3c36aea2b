"""Stories of wrong clocks: no budget is given twice, and no override outlives its end."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.gateway.stories import Story
from tests.gateway.story_setting import DAY_US


async def told(seed: int, directory: Path, steps: int) -> list[str]:
    story = Story(seed, directory)
    await story.tell(steps)
    return story.wrong


@pytest.mark.parametrize("seed", range(25))
async def test_a_story_of_wrong_clocks(seed: int, tmp_path: Path) -> None:
    assert await told(seed, tmp_path, steps=25) == []


async def test_a_start_weeks_ahead_finds_what_today_has_spent(tmp_path: Path) -> None:
    async with begun(tmp_path) as story:
        await story.spend(10)
        await story.gateway.close()
        await story.set_wall(20 * DAY_US)
        await story.boot()
        await story.set_wall(0)
        await story.look()
        await story.spend(10)
        assert story.wrong == []


async def test_a_day_that_was_forgotten_is_read_with_what_is_not_in_sqlite_yet(
    tmp_path: Path,
) -> None:
    async with begun(tmp_path) as story:
        for ahead in range(12):
            await story.set_wall(ahead * DAY_US)
            await story.spend(10)
        await story.set_wall(0)
        await story.look()
        await story.spend(10)
        assert story.wrong == []


@asynccontextmanager
async def begun(directory: Path) -> AsyncIterator[Story]:
    story = Story(0, directory)
    await story.boot()
    try:
        yield story
    finally:
        await story.gateway.close()


@pytest.mark.soak
async def test_a_thousand_stories_of_wrong_clocks(tmp_path: Path) -> None:
    wrong = {}
    for seed in range(1_000, 2_000):
        if found := await told(seed, tmp_path / str(seed), steps=40):
            wrong[seed] = found
        shutil.rmtree(tmp_path / str(seed))
    assert wrong == {}

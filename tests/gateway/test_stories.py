"""Stories of wrong clocks: no budget is given twice, and no override outlives its end."""

import shutil
from pathlib import Path

import pytest

from tests.gateway.stories import Story


async def told(seed: int, directory: Path, steps: int) -> list[str]:
    story = Story(seed, directory)
    await story.tell(steps)
    return story.wrong


@pytest.mark.parametrize("seed", range(25))
async def test_a_story_of_wrong_clocks(seed: int, tmp_path: Path) -> None:
    assert await told(seed, tmp_path, steps=25) == []


@pytest.mark.soak
async def test_a_thousand_stories_of_wrong_clocks(tmp_path: Path) -> None:
    wrong = {}
    for seed in range(1_000, 2_000):
        if found := await told(seed, tmp_path / str(seed), steps=40):
            wrong[seed] = found
        shutil.rmtree(tmp_path / str(seed))
    assert wrong == {}

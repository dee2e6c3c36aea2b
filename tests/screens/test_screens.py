"""Each page and dialog looks as it did; after a change that is meant, ``--write`` and read it."""

import difflib

import pytest

from tests.screens.__main__ import SHOTS
from tests.screens.scenes import SCENES
from tests.screens.shoot import shoot


@pytest.mark.parametrize("name", SCENES)
async def test_it_looks_as_it_did(name: str) -> None:
    kept = (SHOTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    now = (await shoot(SCENES[name])).splitlines()
    changes = difflib.unified_diff(kept, now, "kept", "now", lineterm="", n=1)
    assert kept == now, "\n".join([*changes, "meant? python -m tests.screens --write, and read it"])


def test_no_file_is_of_no_scene() -> None:
    assert {path.stem for path in SHOTS.glob("*.txt")} == set(SCENES)

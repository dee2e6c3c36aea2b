"""No frame of a played incident says of a subject what the ledger of that moment contradicts."""

import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from quotadeck.cli.demo.world import Wishes
from quotadeck.domain.subject import Subject
from quotadeck.sim import SCENES
from tests.truth.ledger import records
from tests.truth.looking import Look, look, row_of, unsaid
from tests.truth.played import Played, Watch, play
from tests.truth.plays import PLAYS, STORM, Play

OUT_S = 14
"""So long after its cause has ended a trouble is said no more."""
SIX = [one.id for one in SCENES["mix"].cast]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A short one, for the socket in it."""
    with tempfile.TemporaryDirectory(prefix="qd", dir="/tmp" if os.name == "posix" else None) as d:
        yield Path(d)


async def played(play_: Play, home: Path, watch: Watch | None = None) -> Played:
    wishes = Wishes(6, 1.0, 7, 0.5, None, scene=play_.scene, pace=play_.pace)
    return await play(home, wishes, play_.hands, watch)


def untold(it: Played) -> list[str]:
    """What the story knows to be wrong and no frame says, and what is said when it is over."""
    known, missing = records(it.calls), []
    for wrong in it.scene.wrong:
        until_s = wrong.until_s or it.scene.ends_s
        spans = {"said": [], "over": []}  # type: dict[str, list[bool]]
        for at_s, state in it.states(wrong.subject):
            says = any(one.kind in wrong.words for one in (state, *state.others))
            if wrong.from_s <= at_s <= until_s:
                spans["said"].append(says)
            elif wrong.until_s is not None and at_s > wrong.until_s + OUT_S:
                spans["over"].append(says)
        if not any(spans["said"]):
            missing.append(f"{wrong.subject} is never said to be {sorted(wrong.words)}")
        asked = known[Subject.parse(wrong.subject)].ended(
            "well", it.frames[-1].at_us - 12_000_000, it.frames[-1].at_us
        )
        if spans["over"] and spans["over"][-1] and asked > 3:
            missing.append(f"{wrong.subject} is {sorted(wrong.words)} to the end")
    return missing


@pytest.mark.long
async def test_a_storm_pauses_and_their_ends_are_told_as_they_were(home: Path) -> None:
    """The stream's frames by the ledger, and the real screen by the frames."""
    looks: list[Look] = []
    it = await played(STORM, home, partial(look, looks))
    assert it.report["reconciled"], it.report["differences"]
    assert len(it.frames) > 25
    assert it.contradictions() == []
    assert len(looks) > 60
    for project in SIX:
        assert sum(row_of(project, one.lines) is not None for one in looks) > len(looks) * 0.8
    assert unsaid(looks, it) == []


@pytest.mark.soak
@pytest.mark.parametrize("one", PLAYS, ids=lambda one: f"{one.scene}-{len(one.hands)}")
async def test_every_scene_is_told_as_it_was(one: Play, home: Path) -> None:
    it = await played(one, home)
    assert it.report["reconciled"], it.report["differences"]
    assert it.contradictions() == []
    assert untold(it) == []


def test_every_scene_is_played() -> None:
    assert {one.scene for one in PLAYS} == SCENES.keys() - {"all"}

"""The scenes: rows that fit their cast, and traffic that turns when they say so."""

from dataclasses import fields
from pathlib import Path

import orjson
import pytest

from quotadeck.cli.demo import SCENES as OFFERED
from quotadeck.domain.state import StateKind
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.sim import SCENES, Scene, cast
from quotadeck.sim.catalogue import MODELS
from quotadeck.sim.characters import Habit
from quotadeck.sim.faults import KINDS
from quotadeck.sim.scenes.scene import Fault, Revoke, Turn

from .driver import finish, running, spawn

ROWS = pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)


def test_the_demo_offers_them_all() -> None:
    assert list(SCENES) == list(OFFERED)


@ROWS
def test_a_scene_fits_its_cast(scene: Scene) -> None:
    projects = {one.id for one in scene.cast}
    strangers = {one.id for one in scene.strangers}
    assert {one.project for one in scene.strangers} <= projects
    assert scene.money.keys() <= projects
    for step in scene.steps:
        assert 0 <= step.at_s < scene.ends_s
        if isinstance(step, Turn):
            assert step.project in projects | strangers
            assert step.habit.keys() <= {field.name for field in fields(Habit)}
        elif isinstance(step, Fault):
            assert step.model in MODELS
            assert step.kind in KINDS
            assert step.at_s + step.seconds < scene.ends_s
        else:
            assert isinstance(step, Revoke)
            assert step.stranger in strangers


@ROWS
def test_its_truth_speaks_of_what_there_is_in_words_that_there_are(scene: Scene) -> None:
    assert scene.wrong
    for wrong in scene.wrong:
        subject = Subject.parse(wrong.subject)
        if subject.kind is SubjectKind.PROJECT:
            assert subject.name in {one.id for one in scene.cast}
        else:
            assert subject.kind is SubjectKind.TARGET
            assert subject.name.removeprefix("sim/") in MODELS
        assert wrong.words <= {kind.value for kind in StateKind}
        assert wrong.from_s < (wrong.until_s or scene.ends_s) <= scene.ends_s


def test_told_in_half_of_the_time_a_scene_is_the_same_story() -> None:
    whole, half = SCENES["all"], SCENES["all"].at_pace(0.5)
    assert half.ends_s * 2 == whole.ends_s
    assert [step.at_s * 2 for step in half.steps] == [step.at_s for step in whole.steps]
    budgets = {one.id: float(one.daily_budget_usd) for one in half.cast}
    assert budgets["checkout"] == whole.money["checkout"] / 2
    assert whole.at_pace(1).steps == whole.steps


def test_all_plays_one_after_another() -> None:
    stories = [scene for name, scene in SCENES.items() if name not in ("mix", "all")]
    whole = SCENES["all"]
    assert whole.ends_s == sum(scene.ends_s for scene in stories)
    assert len(whole.steps) == sum(len(scene.steps) for scene in stories)
    assert [step.at_s for step in whole.steps] == sorted(step.at_s for step in whole.steps)


@pytest.mark.parametrize(
    ("name", "project", "what", "least"),
    [
        ("upstream-down", "support-chat", "failed", 3),
        ("key-leak", "search", "admitted", 75),
        ("retry-storm", "batch-embed", "admitted", 12),
    ],
)
def test_the_traffic_turns_where_the_scene_says_so(
    name: str, project: str, what: str, least: int, tmp_path: Path
) -> None:
    """Three seconds of it, against the upstream itself as the gateway."""
    keys = tmp_path / "keys.json"
    named = [one.id for one in cast()] + [one.id for one in SCENES[name].strangers]
    keys.write_bytes(orjson.dumps({name: f"qd_{name}" for name in named}))
    pace = 3 / SCENES[name].ends_s
    with running(tmp_path / "log.jsonl") as upstream:
        where = ("--gateway", upstream.base_url, "--upstream", upstream.base_url, "--keys", keys)
        how = ("--scene", name, "--pace", str(pace), "--seconds", "3", "--rate", "4")
        code, out, err = finish(spawn("traffic", *where, *how))
    assert (code, err) == (0, "")
    row = orjson.loads(out)["by_project"][project]
    told = row[what].get("http_503", 0) if what == "failed" else row[what]
    assert told >= least


def test_a_traffic_without_the_strangers_key_says_whose_is_missing(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_bytes(orjson.dumps({one.id: "qd_any" for one in cast()}))
    where = ("--gateway", "http://127.0.0.1:1/v1", "--keys", keys, "--scene", "key-leak")
    code, _, err = finish(spawn("traffic", *where))
    assert (code, "no key for leaked" in err) == (2, True)

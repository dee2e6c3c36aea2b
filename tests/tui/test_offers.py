"""What a command can be about on a row, in which order, and what is typed for it."""

from dataclasses import replace

import pytest

from quotadeck.domain.commands import Field
from quotadeck.domain.snapshot import LimitedRow, ProjectRow, TargetRow
from quotadeck.domain.subject import Subject
from quotadeck.domain.verbs import VERBS
from quotadeck.tui.change.confirm import name_for
from quotadeck.tui.change.form import Choice
from quotadeck.tui.change.offers import offers
from quotadeck.tui.change.propose import propose
from quotadeck.tui.change.undo import undo_on_row
from quotadeck.tui.keys.act import NothingToDo
from tests.tui.scenes import change, fire, usd

SCENE = fire()


def project(name: str) -> ProjectRow:
    return next(row for row in SCENE.projects if row.id == name)


def target(name: str) -> TargetRow:
    return next(row for row in SCENE.targets if row.id == name)


def about(verb: str, row: LimitedRow) -> list[str]:
    return [offer.label for offer in offers(VERBS[verb], row, SCENE)]


def test_a_target_offers_first_the_models_that_it_serves_now() -> None:
    row = target("main/gemini-2.5-flash")
    assert about("pause", row) == ["gpt-4.1", "gemini-2.5-flash", "claude-opus-4.7"]


def test_a_project_offers_its_models_in_the_order_in_which_it_uses_them() -> None:
    row = replace(project("search"), models=("gemini-2.5-flash", "claude-opus-4.7"))
    models = [label.partition(" ")[0] for label in about("fallback", row)]
    assert models == ["gemini-2.5-flash", *["claude-opus-4.7"] * 3]


def test_a_targets_line_offers_first_to_send_its_model_there() -> None:
    row = target("main/gemini-2.5-flash")
    found = offers(VERBS["fallback"], row, SCENE, "claude-opus-4.7")
    assert found[0].label == "claude-opus-4.7 → main/gemini-2.5-flash"
    found = offers(VERBS["fallback"], row, SCENE, "gpt-4.1")  # which it serves already
    assert found[0].label == "gpt-4.1 → main/gpt-4.1"


def test_a_project_that_is_idle_offers_every_model() -> None:
    row = replace(project("search"), models=())
    models = {label.partition(" ")[0] for label in about("fallback", row)}
    assert models == {"claude-opus-4.7", "gpt-4.1", "gemini-2.5-flash"}  # one has no other target


def test_what_ends_something_is_about_what_has_it() -> None:
    assert about("resume", project("content-gen")) == ["content-gen"]
    routes = (replace(SCENE.routes[0], paused=True), *SCENE.routes[1:])
    paused = replace(SCENE, routes=routes)
    found = offers(VERBS["resume"], target("main/gpt-4.1"), paused)
    assert [offer.label for offer in found] == ["claude-opus-4.7"]
    with pytest.raises(NothingToDo, match=r"nothing.idle.models"):
        offers(VERBS["resume"], target("main/gpt-4.1"), SCENE)


@pytest.mark.parametrize(
    ("row", "limits", "likely"),
    [
        (project("analytics"), ["rpm", "tpm", "slots", "budget"], "rpm"),
        (project("mobile-app"), ["rpm", "tpm", "slots", "budget"], "daily_budget_usd"),
        (target("main/gpt-4.1"), ["rpm", "tpm"], "rpm"),
    ],
)
def test_a_limit_is_one_of_the_subjects_and_first_the_one_in_the_way(
    row: LimitedRow, limits: list[str], likely: str
) -> None:
    form = propose(VERBS["limit"], row, SCENE, None).form
    which = form.fields[0]
    assert isinstance(which, Choice)
    assert [label for _, label in which.options] == limits
    assert which.value == likely
    assert form.fields[form.focus].id == "value"


def test_the_newest_change_is_taken_back_first() -> None:
    changes = tuple(change("rpm", 20 + at, 20, at=at) for at in (3, 9, 5))
    row = replace(project("analytics"), changes=changes)
    found = undo_on_row(row, SCENE, None, "a").offers
    assert [offer.subject.name[-1] for offer in found] == ["9", "5", "3"]


@pytest.mark.parametrize(("held", "name"), [(0, ""), (20, "support-chat")])
def test_money_that_is_held_is_taken_too(held: float, name: str) -> None:
    row = project("support-chat")
    budget = replace(row.budget, spent_nano=usd(140), held_nano=usd(held))
    scene = replace(SCENE, projects=(replace(row, budget=budget),))
    subject = Subject.project("support-chat")
    assert name_for(subject, Field.BUDGET, usd(1_000), usd(150), scene) == name

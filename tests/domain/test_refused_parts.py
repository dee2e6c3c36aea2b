"""A refused command of several: told why of the first part, and of the others only how many."""

from dataclasses import replace

import pytest

from quotadeck.domain.commands import Command
from quotadeck.domain.subject import Subject
from quotadeck.domain.verbs import case
from quotadeck.words.commands import refusal
from tests.domain.deciding import Desk, limit, pause


def of(command: Command, *names: str) -> Command:
    subjects = tuple(map(Subject.project, names))
    return replace(command, subject=subjects[0], subjects=subjects)


def test_likely_names_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = list[str]()

    def nearest(name: str, known: object) -> tuple[str, ...]:
        looked.append(name)
        return ("analytics",)

    monkeypatch.setattr(case, "nearest", nearest)
    told = refusal(Desk().refused(of(pause(), "analitics", "serch", "serch2")))
    assert looked == ["analitics"], "ten thousand would take a quarter of an hour"
    assert "analytics" in told
    assert "2" in told


def test_what_changed_meanwhile_is_told_of_the_first_alone() -> None:
    desk = Desk()
    desk.does(limit(30))
    desk.does(limit(650, subject=Subject.project("search")))
    both = replace(of(limit(40), "analytics", "search"), expected_versions=(0, 0))
    facts = desk.refused(both).notice.facts
    assert (facts["why"], facts["name"], facts["after"], facts["besides"]) == (
        "refused.stale",
        "analytics",
        30,
        1,
    )

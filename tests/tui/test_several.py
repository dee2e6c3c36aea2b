"""One change of several: marked, or all but those of high priority; one question, one undo."""

from dataclasses import replace
from typing import Final

import pytest

from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.typed import TypedWrong
from quotadeck.domain.verbs import VERBS
from quotadeck.tui.change.several import all_but_high, propose_several, rows_of_set
from quotadeck.tui.command.grammar import following, read
from quotadeck.tui.keys.act import NothingToDo
from quotadeck.words import say
from tests.tui.driving import applied, quotadeck, scripted, sees
from tests.tui.scenes import fire

SNAPSHOT: Final = fire()
ANALYTICS, SEARCH, CHAT = (
    Subject.project(name) for name in ("analytics", "search", "support-chat")
)


def rows(*subjects: Subject) -> tuple[object, ...]:
    return rows_of_set("marked", SNAPSHOT, subjects)


def test_a_set_is_who_is_in_it_now() -> None:
    assert {row.id for row in rows_of_set("storm", SNAPSHOT, ())} == {"analytics", "batch-embed"}
    assert {row.id for row in rows_of_set("trouble", SNAPSHOT, ())} >= {"analytics", "mobile-app"}
    assert len(rows_of_set("all", SNAPSHOT, ())) == len(SNAPSHOT.projects)
    assert [row.id for row in rows_of_set("marked", SNAPSHOT, (SEARCH, ANALYTICS))] == [
        "search",
        "analytics",
    ]
    assert rows_of_set("marked", SNAPSHOT, (Subject.project("gone"),)) == ()


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("pause @storm for 1h", {"analytics", "batch-embed"}),
        ("pause @marked", {"analytics", "search"}),
        ("pause analytics, search,support-chat for 1h", {"analytics"}),
        ("limit analytics, search rpm 50%", {"analytics", "search"}),
        ("limit analytics search rpm 50%", {"analytics", "search"}),
        ("pause analytics search for 5m", {"analytics", "search"}),
    ],
)
def test_a_line_is_about_a_set_or_about_several(line: str, names: set[str]) -> None:
    if ",s" in line:  # a comma belongs to the name where no blank follows
        with pytest.raises(TypedWrong):
            read(line, SNAPSHOT)
        return
    wanted = read(line, SNAPSHOT, (ANALYTICS, SEARCH))
    assert {subject.name for subject in wanted.subjects} == names


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("pause @nosuch", "'@nosuch' is no set; there are @marked, @all"),
        ("pause @marked", "nobody is in '@marked' now"),
        ("pause analytics,", "type what it is about"),
    ],
)
def test_what_is_wrong_with_a_set_is_told(line: str, told: str) -> None:
    with pytest.raises(TypedWrong) as wrong:
        read(line, SNAPSHOT)
    assert told in say(wrong.value.told)


def test_sets_are_offered_where_several_can_be_meant() -> None:
    assert "@marked" in following("pause @", SNAPSHOT)
    assert following("route @", SNAPSHOT) == ()
    assert "analytics" in following("pause search, ana", SNAPSHOT)
    assert "rpm" in following("limit @storm ", SNAPSHOT)
    assert "rpm" in following("limit analytics search ", SNAPSHOT)


def test_a_resume_is_about_those_that_are_paused() -> None:
    proposal = propose_several(VERBS["resume"], SNAPSHOT.projects, SNAPSHOT, None)
    command = proposal.command(proposal.form, SNAPSHOT)
    assert [subject.name for subject in command.each] == ["content-gen"]
    with pytest.raises(NothingToDo):
        propose_several(VERBS["resume"], SNAPSHOT.projects[:2], SNAPSHOT, None)


def test_all_but_high_leaves_out_who_is_paused_already() -> None:
    left = {row.id for row in all_but_high(SNAPSHOT)}
    assert left == {"analytics", "batch-embed", "search", "mobile-app"}
    none = replace(SNAPSHOT, projects=())
    with pytest.raises(NothingToDo):
        all_but_high(none)


def test_versions_go_with_each_of_a_versioned_change() -> None:
    both = [row for row in SNAPSHOT.projects if row.id in ("analytics", "search")]
    proposal = propose_several(VERBS["limit"], both, SNAPSHOT, None)
    form = proposal.form.insert("50%")
    command = proposal.command(form, SNAPSHOT)
    assert command.expected_versions == tuple(row.version for row in both)
    assert command.expected_version is None


async def test_everything_but_high_priority_is_paused_by_one_key_and_a_word() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("P")
        await sees(pilot, "pause 4 projects", "high among", "none", "type stop")
        await pilot.press(*"night batch", "enter")
        await sees(pilot, "type stop in the last field to confirm")
        assert applied(source) == []
        await pilot.press(*"stop", "enter")
        await sees(pilot, "done: ")
    (command,) = applied(source)
    assert command.action == "pause"
    assert {subject.name for subject in command.each} == {
        "analytics",
        "batch-embed",
        "search",
        "mobile-app",
    }
    assert all(subject.kind is SubjectKind.PROJECT for subject in command.each)


async def test_a_line_about_several_is_previewed_and_applied_as_one() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("colon", *"limit @storm rpm 50% for 30m because storm", "enter")
        await sees(pilot, "limit 2 projects", "analytics", "batch-embed")
        await pilot.press("enter")
        await sees(pilot, "done: ")
    (command,) = applied(source)
    assert (command.scale_percent, command.for_ms, len(command.each)) == (50, 1_800_000, 2)


async def test_a_line_that_comes_to_nothing_says_so_and_the_console_goes_on() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("colon", *"resume @storm", "enter")
        await sees(pilot, "none of them has anything to resume")
        await pilot.press("colon", *"resume @paused", "enter")
        await sees(pilot, "resume content-gen")

"""A command that is a row has a dialog, a place in the keys and the help, and a shell command."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from quotadeck.domain.answers import CommandAnswer
from quotadeck.domain.commands import Command, Entry, Rejected, Role
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.verbs import VERBS, End, Takes, Verb
from quotadeck.domain.verbs.case import Case
from quotadeck.tui.keys.act import Act
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.keys.table import ACTIONS
from quotadeck.words import use
from quotadeck.words.en import ENGLISH
from tests.tui.driving import applied, choose, quotadeck, scripted, sees, shown
from tests.tui.scripted import agree

WORDS = {
    "key.row.greet": "have the project greeted",
    "label.row.greet": "greet",
    "name.greeting": "greeting",
    "value.greeting": "“{value}”",
}


def _greet(case: Case) -> Entry | Rejected:
    return case.entry(case.command.value)


GREET = Verb(
    "greet",
    (SubjectKind.PROJECT,),
    _greet,
    "greeting",
    Takes.TEXT,
    end=End.USUAL,
    explained=True,
    public=True,
    versioned=True,
    line="greet",
)
KEYS = Keys((*ACTIONS, Act("row.greet", ("V",), shown=True, changing=True, role=Role.OPERATOR)))


@pytest.fixture(autouse=True)
def _row() -> Iterator[None]:
    before = use(replace(ENGLISH, sentences={**ENGLISH.sentences, **WORDS}))
    VERBS["greet"] = GREET
    yield
    del VERBS["greet"]
    use(before)


async def test_a_row_has_a_dialog() -> None:
    def answer(command: Command, dry_run: bool) -> CommandAnswer:
        return replace(agree(command, dry_run), before=None, after=command.value, then=None)

    source = scripted(answer=answer)
    app = quotadeck(source, keys=KEYS)
    async with app.run_test(size=(200, 35)) as pilot:
        await choose(pilot, "analytics")
        assert "V greet" in shown(app)
        await pilot.press("V")
        await sees(pilot, "┌ greet analytics", "to  ", "for  ", "reason  ", "public  ")
        await sees(pilot, "type a value")
        await pilot.press(*"good day", "tab", *"30m", "tab", *"manners", "tab", "space")
        line = "quotadeck greet analytics 'good day' --for 30m --public --reason"
        await sees(pilot, line, "→ “good day”   until 04:02")
        await pilot.press("enter")
        await sees(pilot, "done: analytics greeting")
    (command,) = applied(source)
    assert replace(command, idempotency_key="") == Command(
        "greet",
        Subject.project("analytics"),
        "greeting",
        "good day",
        reason="manners",
        public=True,
        for_ms=1_800_000,
        expected_version=4,
    )


async def test_a_row_says_what_it_is_not_about() -> None:
    app = quotadeck(scripted(), keys=KEYS)
    async with app.run_test(size=(120, 35)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("tab", "V")
        await sees(pilot, "greet is not about what claude-opus-4.7 is")


async def test_a_row_is_in_the_help() -> None:
    async with quotadeck(scripted(), keys=KEYS).run_test(size=(120, 60)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("question_mark")
        await sees(pilot, "V            have the project greeted (operator)")

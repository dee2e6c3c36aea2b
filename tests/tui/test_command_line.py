"""What is typed is what would be pressed: the same preview, the same refusals, words completed."""

from typing import Final

import pytest

from quotadeck.domain.commands import Action, Field
from quotadeck.domain.subject import Subject
from quotadeck.domain.typed import TypedWrong
from quotadeck.tui.command.grammar import Wanted, completed, following, read
from quotadeck.tui.command.said import Said
from quotadeck.words import say
from tests.tui.driving import applied, quotadeck, quotadeck_of, scripted, sees, shown, until
from tests.tui.scenes import fire

SNAPSHOT: Final = fire()
ROUTE: Final = "route gpt-4.1 to main/gemini-2.5-flash"


@pytest.mark.parametrize(
    ("line", "name", "about", "typed"),
    [
        ("pause batch-embed", "pause", Subject.project("batch-embed"), {}),
        (
            'limit analytics rpm 1,000 for 2h because "orders import"',
            "limit",
            Subject.project("analytics"),
            {"limit": "rpm", "value": "1,000", "for": "2h", "reason": "orders import"},
        ),
        (
            "limit analytics budget $12.50 until 09:00 because two words",
            "limit",
            Subject.project("analytics"),
            {
                "limit": "daily_budget_usd",
                "value": "$12.50",
                "for": "until 09:00",
                "reason": "two words",
            },
        ),
        (
            "limit main/gpt-4.1 tpm 50% permanent",
            "limit",
            Subject.target("main/gpt-4.1"),
            {"limit": "tpm", "value": "50%", "for": "permanent"},
        ),
        (
            f"{ROUTE} for 1h",
            "fallback",
            Subject.model("gpt-4.1"),
            {"target": "main/gemini-2.5-flash", "for": "1h"},
        ),
        ("fallback gpt-4.1 main/gpt-4.1", "fallback", Subject.model("gpt-4.1"), None),
        ("pause gpt-4.1 --model --for 5m", "pause", Subject.model("gpt-4.1"), {"for": "5m"}),
        ("pause model gpt-4.1", "pause", Subject.model("gpt-4.1"), {}),
        (
            "limit analytics rpm 40 --for 1h --reason 'as at a shell'",
            "limit",
            Subject.project("analytics"),
            {"limit": "rpm", "value": "40", "for": "1h", "reason": "as at a shell"},
        ),
        ("resume content-gen", "resume", Subject.project("content-gen"), {}),
    ],
)
def test_a_line_reads_as_at_a_shell_without_its_dashes(
    line: str, name: str, about: Subject, typed: dict[str, str] | None
) -> None:
    wanted = read(line, SNAPSHOT)
    assert (wanted.verb.name, wanted.subjects) == (name, (about,))
    if typed is not None:
        assert wanted.typed == typed


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("puase analytics", "there is no command 'puase'; did you mean pause"),
        ("pause", "type what it is about"),
        ("pause analytcs", "there is no 'analytcs'; did you mean analytics"),
        ("limit analytics", "type which limit"),
        ("limit analytics qps 3", "'qps' is no limit of it; those are rpm"),
        ("limit analytics rpm", "type its value"),
        ("route gpt-4.1 to main/nosuch", "no target of its route"),
        ("route gpt-4.1 to", "type to which target"),
        ("pause analytics for", "type for how long"),
        ("pause analytics until", "type until when"),
        ("pause analytics during 3h", "'during' is not understood here"),
        ("resume content-gen for 1h", "resume does not end by itself"),
    ],
)
def test_what_is_wrong_in_a_line_is_told(line: str, told: str) -> None:
    with pytest.raises(TypedWrong) as wrong:
        read(line, SNAPSHOT)
    assert told in say(wrong.value.told)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("li", {"limit"}),
        ("limit an", {"analytics"}),
        ("limit main/gp", {"main/gpt-4.1"}),
        ("limit analytics ", {"rpm", "tpm", "slots", "budget"}),
        ("limit analytics rpm 4", set()),
        ("limit analytics rpm 40 ", {"for", "until", "permanent", "because"}),
        ("limit analytics rpm 40 for ", {"15m", "30m", "1h", "2h", "4h"}),
        ("limit analytics rpm 40 for 1h ", {"because"}),
        ("limit analytics rpm 40 because of ", set()),
        ("resume content-gen ", {"because"}),
        ("route gpt-4.1 ", {"to"}),
        ("route gpt-4.1 to main/ge", {"main/gemini-2.5-flash"}),
        ("nosuch ", set()),
    ],
)
def test_what_may_follow_is_offered(line: str, expected: set[str]) -> None:
    assert set(following(line, SNAPSHOT)) == expected


def test_every_word_that_is_offered_is_understood() -> None:
    """From the first on, whichever is taken: a line never ends where nothing it offers is right."""
    reached, lines = set(), [""]
    while lines:
        line = lines.pop()
        offered = [word for word in following(line, SNAPSHOT) if word[0] != "@"]
        reached |= set(offered)
        for word in (*offered[:2], *offered[-2:]) if line else offered:
            longer = completed(line, word)
            if len(longer.split()) < 7:
                lines.append(longer)
        if not offered and line:
            assert isinstance(read(f"{line}09:00", SNAPSHOT), Wanted)
    assert {"pause", "limit", "route", "rpm", "for", "because"} <= reached


def test_lines_said_before_are_sought_by_their_beginning() -> None:
    said = Said()
    for line in ("pause a", "limit b rpm 3", "pause c", "pause a"):
        said.add(line)
    assert said.lines == ["limit b rpm 3", "pause c", "pause a"]
    assert said.before("pause", 3) == 2
    assert said.before("pause", 2) == 1
    assert said.before("pause", 1) is None
    assert said.after("pause", 1) == 2


async def test_a_line_opens_the_dialog_filled_in_and_applies_nothing_by_itself() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("colon", *"limit analytics rpm 40 for 30m because import", "enter")
        await sees(pilot, "limit analytics", "20 → 40", 'rpm 40 --for 30m --reason "import"')
        assert applied(source) == []
        await pilot.press("enter")
        await sees(pilot, "done: analytics rpm 20 → 40")
    (command,) = applied(source)
    assert (command.action, command.field, command.value) == (Action.LIMIT, Field.RPM, 40)
    assert (command.reason, command.for_ms, command.expected_version) == ("import", 1_800_000, 4)


async def test_what_is_missing_is_where_the_cursor_is() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("colon", *f"{ROUTE} for 30m", "enter")
        await sees(pilot, "fallback model gpt-4.1")
        await pilot.press(*"429s", "enter")
        await until(pilot, lambda: bool(applied(source)))
    (command,) = applied(source)
    assert (command.value, command.reason) == ("main/gemini-2.5-flash", "429s")


async def test_tab_completes_and_what_is_wrong_stays_to_be_mended() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("colon", *"lim", "tab", *"ana", "tab", *"qps 3", "enter")
        await sees(pilot, ":limit analytics qps 3", "is no limit of it")
        await pilot.press("escape")
        assert ":limit" not in shown(quotadeck_of(pilot))


async def test_a_word_alone_does_what_its_key_does() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("colon", *"audit", "enter")
        await sees(pilot, "nothing was ever changed")


async def test_an_older_line_comes_back_with_an_arrow() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("colon", *"resume content-gen", "enter", "escape")
        await pilot.press("colon", *"re", "up")
        await sees(pilot, ":resume content-gen")
        await pilot.press("down")
        await sees(pilot, ":re ")


async def test_a_read_only_console_changes_nothing_by_a_line_either() -> None:
    source = scripted()
    async with quotadeck(source, read_only=True).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("colon", *"resume content-gen", "enter")
        await sees(pilot, "read-only")
        assert source.commands == []


async def test_the_palette_finds_a_key_by_its_words() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("ctrl+p", *"who changed")
        await sees(pilot, "the audit: who changed what")
        await pilot.press("enter")
        await sees(pilot, "nothing was ever changed")


async def test_an_id_and_a_line_are_copied_over_the_terminal() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "analytics")
        await pilot.press("y")
        await sees(pilot, "copied analytics")
        await pilot.press("Y")
        await sees(pilot, "copied")

"""What a dialog says as a command is what the command line reads."""

import shlex

import pytest

from quotadeck.domain.commands import Action, Command, Field
from quotadeck.domain.subject import Subject
from quotadeck.domain.typed import TypedWrong
from quotadeck.tui.change.values import as_command_line, lasting
from tests.tui.play import JST
from tests.tui.scenes import AT_US
from tests.wording import refuses

SEARCH, GPT = Subject.project("search"), Subject.model("gpt-4.1")
GPT_TARGET = Subject.target("main/gpt-4.1")


@pytest.mark.parametrize(
    ("typed", "ms"),
    [("30m", 1_800_000), ("2h30m", 9_000_000), (" 1h 30m ", 5_400_000), ("permanent", None)],
)
def test_how_long_as_typed(typed: str, ms: int | None) -> None:
    assert lasting(typed, AT_US, JST) == (ms, None)


@pytest.mark.parametrize(
    ("typed", "ahead_ms"),
    [
        ("until 04:03", 61 * 60_000),  # it is 03:02 on the screen
        ("Until 03:00", (24 * 60 - 2) * 60_000),
        (" until  2026-11-24T03:03 ", 60_000),
        ("until 2026-11-23T18:03Z", 60_000),
    ],
)
def test_until_is_on_the_clocks_of_the_screen(typed: str, ahead_ms: int) -> None:
    assert lasting(typed, AT_US, JST) == (None, AT_US + ahead_ms * 1_000)


@pytest.mark.parametrize(
    "typed", ["", "1", "0s", "32d", "soon", "until", "until soon", "until 25:00", "09:00"]
)
def test_how_long_not_understood(typed: str) -> None:
    with refuses(TypedWrong, match=r"30m|15m|31d|09:00"):
        lasting(typed, AT_US, JST)


def test_what_is_not_understood_is_quoted_as_typed() -> None:
    with pytest.raises(TypedWrong, match="'2020-01-01T09:00'"):
        lasting("Until 2020-01-01T09:00", AT_US, JST)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (Command(Action.LIMIT, Subject.project("analytics"), Field.RPM, value=40, for_ms=3_600_000,
                 reason="orders import"),
         'quotadeck limit analytics rpm 40 --for 1h --reason "orders import"'),
        (Command(Action.LIMIT, GPT_TARGET, Field.RPM, scale_percent=50, for_ms=60_000),
         "quotadeck limit main/gpt-4.1 rpm 50% --for 1m"),
        (Command(Action.LIMIT, SEARCH, Field.BUDGET, value=75_500_000_000),
         "quotadeck limit search budget 75.5 --permanent"),
        (Command(Action.FALLBACK, GPT, Field.TARGET, value="main/flash", for_ms=60_000),
         "quotadeck route gpt-4.1 --to main/flash --for 1m"),
        (Command(Action.PAUSE, GPT, Field.PAUSED, value=True, for_ms=60_000),
         "quotadeck pause gpt-4.1 --model --for 1m"),
        (Command(Action.RESUME, SEARCH, Field.PAUSED), "quotadeck resume search"),
        (Command(Action.UNDO, Subject.command("cmd_1")), "quotadeck undo cmd_1"),
    ],
)  # fmt: skip
def test_a_command_can_be_pasted(command: Command, line: str) -> None:
    assert as_command_line(command) == line


def test_a_pasted_command_runs_nothing_else() -> None:
    nasty = Command(
        Action.PAUSE,
        Subject.project("$(reboot)"),
        Field.PAUSED,
        value=True,
        public=True,
        reason='`rm` "x" $HOME',
    )
    words = [
        "quotadeck",
        "pause",
        "$(reboot)",
        "--permanent",
        "--public",
        "--reason",
        '`rm` "x" $HOME',
    ]
    assert shlex.split(as_command_line(nasty)) == words
    assert "'$(reboot)'" in as_command_line(nasty)

"""What the operator chose is obeyed; what is wrong in it is told, and stops nothing."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from quotadeck.tui.columns.chosen import chosen_of
from quotadeck.tui.keys.bindings import bound
from quotadeck.tui.settings import SETTINGS, Settings, read_settings
from quotadeck.words import say
from tests.screen import Screen
from tests.test_tree import ROOT
from tests.tui.test_terminal import console, settled


def read(tmp_path: Path, text: str) -> tuple[Settings, list[str]]:
    file = tmp_path / "console.toml"
    file.write_text(text, encoding="utf-8")
    settings, problems = read_settings(file)
    return settings, [say(problem) for problem in problems]


def test_without_a_file_all_is_as_usual(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "console.toml") == (Settings(), ())


def test_all_of_it_can_be_chosen(tmp_path: Path) -> None:
    text = 'theme = "light"\nzone = "Asia/Tokyo"\nbell = false\ntitle = false\n'
    settings, problems = read(tmp_path, text + '[keys]\n"row.pause" = "P"\n"row.undo" = ["u", "U"]')
    assert not problems
    assert settings == Settings(
        "light", "Asia/Tokyo", False, False, {"row.pause": ("P",), "row.undo": ("u", "U")}
    )


def test_what_the_readme_shows_can_be_chosen_and_is_all_there_is(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    settings, problems = read(tmp_path, shown)
    assert not problems
    assert bound(settings.keys).shown("row.pause") == "D"
    assert chosen_of(settings.columns, settings.sort)[1] == ()
    assert set(tomllib.loads(shown)) == set(SETTINGS) == {one.name for one in fields(Settings)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('zone = "Mars/Olympus"', "console.toml: zone is 'Mars/Olympus', which is no time zone"),
        ("bell = 3", "console.toml: bell is '3'; it should be true or false"),
        ("belt = true", "there is no setting belt; did you mean bell"),
        ("theme = 7", "theme is '7'; it should be a text"),
        ("keys = 1", "keys should be a table: an id with its key"),
        ("[keys", "console.toml left out: "),
        (f"theme = {'[' * 20_000}", "console.toml left out: "),
        (f"theme = 0x{'f' * 6_000}", "theme is '…'; it should be a text"),
        ('"\\u001b[2J" = 1', "there is no setting \ufffd[2J"),
    ],
)
def test_what_is_wrong_is_told_and_the_rest_obeyed(tmp_path: Path, text: str, told: str) -> None:
    good = "" if "left out" in told else "title = false\n"
    settings, problems = read(tmp_path, good + text)
    assert told in problems[0]
    assert settings.title is not bool(good)


def test_remapped_keys_do_what_they_were_mapped_to(tmp_path: Path) -> None:
    file = tmp_path / "console.toml"
    file.write_text('[keys]\n"overview.audit" = "w"\n')
    with console("--settings", str(file)) as screen:
        screen.shows("● live", "w audit")
        screen.press("a")
        screen.shows("a does nothing here")
        screen.press("w")
        screen.shows("nothing was ever changed")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[keys]\n"row.pause" = "a"', "no key is changed: overview.audit: a is row.pause already"),
        ('theme = "nosuch"', "there is no theme 'nosuch'"),
    ],
)
def test_a_mistake_stands_in_the_first_note(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "console.toml"
    file.write_text(text)
    with console("--settings", str(file), columns=120) as screen:
        screen.shows("gw", told)


def test_a_new_trouble_rings_and_stands_in_the_title_until_the_end() -> None:
    with console("--scene", "calm", "--trouble-after", "2", "--every", "0.3") as screen:
        screen.shows("storm ×14")
        screen.until(lambda: b"\x1b]2;! 4 " in screen.raw, "in the title")
        settled(screen)
        assert _bells(screen) == 1
        screen.press("q")
        assert screen.exit_code() == 0
        raw = bytes(screen.raw)
        assert raw.index(b"\x1b[22;2t") < raw.index(b"\x1b]2;! 4 ") < raw.index(b"\x1b[23;2t")


def test_what_is_in_trouble_at_the_start_does_not_ring() -> None:
    with console() as screen:
        settled(screen)
        assert _bells(screen) == 0
        assert b"\x1b]2;! 4 " in screen.raw


def test_bell_and_title_are_left_alone_where_they_are_not_wanted(tmp_path: Path) -> None:
    file = tmp_path / "console.toml"
    file.write_text("bell = false\ntitle = false\n")
    asked = ("--scene", "calm", "--trouble-after", "2", "--every", "0.3", "--settings", str(file))
    with console(*asked) as screen:
        screen.shows("storm ×14")
        settled(screen)
        assert _bells(screen) == 0
        assert b"\x1b]2;" not in screen.raw


def _bells(screen: Screen) -> int:
    """Bells that end no title."""
    return bytes(screen.raw).replace(b"\x1b]22;default\x07", b"").count(b"\a") - bytes(
        screen.raw
    ).count(b"\x1b]2;")

"""Themes are files; one bad file stops nothing."""

from pathlib import Path

import pytest

from quotadeck.tui.themes import (
    ROLES,
    ThemeError,
    find_theme,
    load_themes,
    parse_theme,
    theme_folders,
)
from tests.wording import refuses

GOOD = "[styles]\n" + "\n".join(f'{role} = "#ffffff"' for role in ROLES)


def test_the_shipped_themes_load() -> None:
    loaded, failed = load_themes(theme_folders({}))
    assert {"dark", "ansi"} <= set(loaded)
    assert failed == ()


def test_the_ansi_theme_keeps_to_sixteen_colours() -> None:
    ansi = load_themes(theme_folders({}))[0]["ansi"]
    for style in ansi.styles.values():
        assert style.color is None or style.color.triplet is None
        assert style.bgcolor is None or style.bgcolor.is_default


def test_a_theme_uses_at_most_four_meanings() -> None:
    for theme in load_themes(theme_folders({}))[0].values():
        meanings = {theme.styles[role].color for role in ("attention", "trouble", "key", "normal")}
        assert len(meanings) == 4


def test_one_bad_file_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "bad.toml").write_text("[styles]\nnormal = 'no such colour'")
    (tmp_path / "worse.toml").write_text("[[[")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    loaded, failed = load_themes((tmp_path,))
    assert list(loaded) == ["good"]
    assert {bad.path.name for bad in failed} == {"bad.toml", "worse.toml", "binary.toml"}
    assert all(bad.problem for bad in failed)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "styles"),
        (GOOD + '\nshadow = "red"', "styles.shadow is no role"),
        (GOOD.replace('normal = "#ffffff"', ""), "styles.normal is missing"),
        ("ansi = true\n" + GOOD, "16 colours"),
    ],
)
def test_what_is_wrong_is_said(text: str, problem: str) -> None:
    with refuses(ThemeError, match=problem):
        parse_theme("mine", text)


def test_the_theme_is_plain_over_ssh_and_dark_at_home() -> None:
    assert find_theme(None, {})[0].name == "dark"
    assert find_theme(None, {"SSH_CONNECTION": "1"})[0].name == "ansi"
    assert find_theme("dark", {"SSH_TTY": "/dev/pts/1"})[0].name == "dark"
    with refuses(ThemeError, match="there are ansi, .*dark"):
        find_theme("nosuch", {})


def test_users_add_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "quotadeck" / "themes"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(GOOD)
    (folder / "broken.toml").write_text("x")
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    theme, failed = find_theme("mine", environ)
    assert theme.name == "mine"
    assert [bad.path.name for bad in failed] == ["broken.toml"]
    with refuses(ThemeError, match="broken"):
        find_theme("broken", environ)

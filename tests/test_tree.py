"""What CONTRIBUTING.md says of the tree: what it and docstrings name is there, files are short."""

import builtins
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "console" / "quotadeck"
FILES = [*sorted(PACKAGE.rglob("*.py")), ROOT / "CONTRIBUTING.md"]
NAMES = {file.name for file in PACKAGE.rglob("*.py")}
MOST_LINES = 400
_QUOTED = re.compile(r"(?<!`)`([^`\s]+)`(?!`)")


def stale(text: str, beside: Path) -> Iterator[str]:
    """What is named in the text, of a file in that folder, and does not stand in the tree."""
    for name in _QUOTED.findall(text):
        if "NAME" in name:
            continue
        if name.endswith(".py") or (name.endswith("/") and "." not in name):
            places = (ROOT, PACKAGE, PACKAGE / "tui", beside)
            known = name in NAMES or any((place / name).exists() for place in places)
        elif re.fullmatch(r"quotadeck(\.\w+)+", name):
            known = _is_defined(name.split("."))
        else:
            continue
        if not known:
            yield name


def _is_defined(parts: list[str]) -> bool:
    """Whether the longest part that is a module mentions the rest."""
    for count in range(len(parts), 0, -1):
        place = PACKAGE.parent.joinpath(*parts[:count])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.exists():
                words = set(re.findall(r"\w+", file.read_text()))
                return words.issuperset(parts[count:])
    return False


def test_what_is_named_stands_in_the_tree() -> None:
    found = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in FILES
        for name in stale(file.read_text(), file.parent)
    }
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        "`quotadeck.domain.nothing`",
        "`quotadeck.domain.money.no_such_thing`",
        "`no_such.py`",
        "`console/quotadeck/gateway/chat.py`",
        "`no_room/`",
    ],
)
def test_what_has_moved_is_found(text: str) -> None:
    assert list(stale(text, PACKAGE)) == [text.strip("`")]


def test_what_a_docstring_raises_is_an_error_of_ours_or_of_python() -> None:
    sources = [file.read_text() for file in PACKAGE.rglob("*.py")]
    known = {name for text in sources for name in re.findall(r"^ *class (\w+)", text, re.MULTILINE)}
    told = {
        name
        for text in sources
        for raised in re.findall(r"[Rr]aises ((?:_?[A-Z]\w+(?:, | or |,? and )?)+)", text)
        for name in re.findall(r"_?[A-Z]\w+", raised)
    }
    assert len(told) > 20
    assert told - known - set(dir(builtins)) == set()


def test_no_file_is_longer_than_we_say() -> None:
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    lines = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in files}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}

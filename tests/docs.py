"""The generated parts of the documents, in step with the code: ``python -m tests.docs [--write]``.

A part stands between ``<!-- generated: NAME -->`` and ``<!-- /generated -->`` in a markdown file
at the top of the repository; NAME is one of `GENERATORS`.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from quotadeck.cli.json_fields import json_reference
from quotadeck.cli.reference import actions_reference, commands_reference
from quotadeck.dialects.base import Dialect
from quotadeck.dialects.registry import DIALECTS, TRANSLATIONS
from quotadeck.domain.refusals import NotSpoken
from quotadeck.tui.keys.bindings import keys_reference
from quotadeck.wire.config import config_reference, example

ROOT = Path(__file__).resolve().parent.parent
_PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n)(.*?)(<!-- /generated -->)", re.DOTALL)
_MARK = re.compile(r"<!-- (?:generated: .*|/generated) -->")


class MarksWrong(Exception):
    """A mark without its partner, or a part that nobody generates."""


def _config_example() -> str:
    return f"```toml\n{example()}```"


def _forms() -> str:
    """Each path of clients', its form, and what that is translated to."""
    head = "| a client asks | in the form | translated to |\n|---|---|---|"
    rows = [
        f"| {_listed(each.endpoints)} | `{each.form}` | {_listed(_translated(each)) or 'nothing'} |"
        for each in DIALECTS
    ]
    return "\n".join((head, *rows))


def _translated(dialect: Dialect) -> Iterator[str]:
    for (asked, spoken), translator in TRANSLATIONS.items():
        if asked == dialect.form:
            with suppress(NotSpoken):
                translator.path(next(iter(dialect.endpoints)))
                yield spoken


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


GENERATORS: Mapping[str, Callable[[], str]] = {
    "actions": actions_reference,
    "commands": commands_reference,
    "config": config_reference,
    "config-example": _config_example,
    "forms": _forms,
    "json": json_reference,
    "keys": keys_reference,
}


def documents(root: Path = ROOT) -> list[Path]:
    """The files that may hold generated parts."""
    return sorted(root.glob("*.md"))


def parts_of(text: str) -> list[str]:
    """The names of a text's generated parts. Raises MarksWrong."""
    names = [match[2] for match in _PART.finditer(text)]
    if len(_MARK.findall(text)) != 2 * len(names):
        raise MarksWrong("a generated part is not opened and closed in turn")
    return names


def refreshed(text: str, generators: Mapping[str, Callable[[], str]] = GENERATORS) -> str:
    """The text with its generated parts written anew. Raises MarksWrong."""
    for name in parts_of(text):
        if name not in generators:
            raise MarksWrong(f"nobody generates {name!r}; there are {', '.join(generators)}")
    return _PART.sub(lambda m: f"{m[1]}\n{generators[m[2]]().strip()}\n\n{m[4]}", text)


def main() -> int:
    """Say which documents are behind the code, or with --write bring them in step."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--write", action="store_true", help="write the generated parts")
    write = parser.parse_args().write
    behind = 0
    for path in documents():
        text = path.read_text("utf-8")
        new = refreshed(text)
        if new == text:
            continue
        if write:
            path.write_text(new, "utf-8")
        else:
            behind += 1
        print(f"{path.name}: {'written' if write else 'behind the code; run make docs'}")
    return 1 if behind else 0


if __name__ == "__main__":
    sys.exit(main())

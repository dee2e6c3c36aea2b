"""Nothing outside words/ builds a sentence for people, and every kind that is told has its own."""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from quotadeck.words.en import ENGLISH
from quotadeck.words.sentence import Plural, Sentence, places
from tests.words.sentences_elsewhere import ROOT, sentences

NOT_OURS: Final = {
    "sim/": "a provider that is simulated: another program, with a command line of its own",
    "dialects/": "the answers of the providers' protocol, which clients' code reads",
    "gateway/connection/": "as those of HTTP, before a dialect is known",
    "gateway/data/": "likewise: what a client is told of its key and its upstream",
    "gateway/upstream/": "quoted in such answers",
    "client/": "what a library tells the programs it is in: their errors, a table for them",
    "wire/cells.py": "what a decoder found, quoted in a place of a sentence as a system's text is",
    "wire/objects.py": "likewise",
    "wire/stream.py": "likewise",
    "wire/messages.py": "likewise, by the model of a command",
    "wire/paths.py": "likewise, by the system's name resolution",
    "store/journal/records.py": "likewise, of a record in the journal",
    "store/sqlite/fold.py": "likewise",
    "limiter/protocol.py": "likewise, of a call that no caller makes",
    "admission/days.py": "likewise",
    "store/sqlite/schema.py": "SQLite's own text for a table that is missing",
    "store/formats/entry_format_1.py": "what the first format stored, to be recognized",
    "store/formats/from_format_1.py": "SQL",
    "gateway/process/server.py": "the format of the log",
    "tui/keys/bindings.py": "the head of a table in the documents",
    "cli/reference.py": "likewise",
    "cli/json_fields.py": "likewise, and the types in them",
    "cli/demo/": "the demo's own report on its run, and its config file",
}
"""Where a text stays what it is, and why."""
NOT_YET: Final = {
    "cli/app.py", "cli/backup.py", "cli/doctor/__init__.py", "cli/exits.py", "cli/explain.py",
    "cli/history.py", "cli/init.py",
    "cli/keys.py", "cli/options.py", "cli/reach.py", "cli/readings.py", "cli/report.py",
    "cli/serve.py",
    "cli/table.py", "cli/verify.py", "wire/config/",
}  # fmt: skip
"""In English alone so far: the help of the command line, and what is wrong with a config file."""

_TELLS: Final = re.compile(
    r"(\w+\.)?(notice|lost|text|Notice|NothingToDo|within|framed|_?invalid|_?wrong|AdminRefusal"
    r"|rejected|Rejection|[A-Z]\w+(Error|Gone|Busy|Missing|Wrong|Failed|Left))"
)
_KIND: Final = re.compile(r"[a-z_0-9]+(\.[a-z_0-9]+)+")


def _is_of(path: str, places: object) -> bool:
    return any(path.startswith(place) for place in places)  # type: ignore[attr-defined]


def test_nothing_else_builds_a_sentence() -> None:
    found = [
        literal
        for path in sorted(ROOT.rglob("*.py"))
        if not _is_of(str(path.relative_to(ROOT)), {"words/", *NOT_OURS, *NOT_YET})
        for literal in sentences(path)
    ]
    assert found == []


@pytest.mark.parametrize("place", sorted({*NOT_OURS, *NOT_YET}))
def test_what_is_left_out_is_there(place: str) -> None:
    assert (ROOT / place).exists()


def _calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call in the product that gives a kind, with the file and line."""
    for path in sorted(ROOT.rglob("*.py")):
        where = str(path.relative_to(ROOT))
        if not where.startswith("sim/"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and _TELLS.fullmatch(ast.unparse(node.func)):
                    yield f"{where}:{node.lineno}", node


def _kinds(call: ast.Call) -> Iterator[str]:
    for argument in call.args[:3]:
        for node in ast.walk(argument):
            if isinstance(node, ast.Constant) and _KIND.fullmatch(str(node.value)):
                yield str(node.value)


def _required(sentence: Sentence) -> set[str]:
    """The places that it cannot do without: not in a clause of their own."""
    forms = sentence.forms.values() if isinstance(sentence, Plural) else (sentence,)
    return {name for form in forms for name in places(re.sub(r"\[.*?\]", "", form))}


def _is_rejected(call: ast.Call) -> bool:
    return ast.unparse(call.func) == "rejected"


def test_every_kind_that_is_told_has_a_sentence_and_its_facts() -> None:
    wrong = []
    for where, call in _calls():
        given = {keyword.arg for keyword in call.keywords}
        for given_kind in _kinds(call):
            kind = f"refused.{given_kind}" if _is_rejected(call) else given_kind
            sentence = ENGLISH.sentences.get(kind)
            if sentence is None:
                wrong.append(f"{where}: {kind} has no sentence")
            elif None not in given and re.search(r"notice|text|lost", ast.unparse(call.func)):
                missing = _required(sentence) - given
                if missing:
                    wrong.append(f"{where}: {kind} lacks {sorted(missing)}")
    assert wrong == []


def _is_a_sum(kind: str, texts: set[str]) -> bool:
    if kind.startswith("field."):  # looked up by the name of a place
        return True
    return any(kind[:at] in texts and kind[at:] in texts for at in range(1, len(kind)))


def test_every_sentence_is_told() -> None:
    """Its kind stands somewhere, or a text with places that it fits."""
    texts, patterns = set[str](), set[str]()
    for path in ROOT.rglob("*.py"):
        if "words/en" in str(path):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else None for p in node.values]
                fixed = "".join(str(part) for part in parts if part is not None)
                if "." in fixed and len(fixed) >= 4:
                    patterns.add("".join(".+" if p is None else re.escape(str(p)) for p in parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
    fits = re.compile("|".join(f"({pattern})" for pattern in sorted(patterns)))
    untold = [
        kind
        for kind in ENGLISH.sentences
        if kind not in texts and not fits.fullmatch(kind) and not _is_a_sum(kind, texts)
    ]
    assert untold == []


def test_a_sentence_names_no_place_by_number() -> None:
    assert [
        kind for kind, one in ENGLISH.sentences.items() if any(map(str.isdigit, places(one)))
    ] == []

"""What --json prints is documented, field by field, and what is documented is printed."""

from collections.abc import Iterator
from typing import Any

import pytest

from quotadeck.cli.json_fields import PRINTED, Node, Record, json_reference, rows, tree
from tests.cli.conftest import Run
from tests.docs import ROOT

WHY = ("--reason", "a test", "--for", "1m")


def unknown(value: Any, node: Node, path: str = "") -> Iterator[str]:
    """Paths in a printed value that the documents do not have."""
    if isinstance(value, dict):
        for name, each in value.items():
            below = node.members.get(name) or node.members.get("*")
            if below is None:
                yield f"{path}.{name}"
            else:
                yield from unknown(each, below, f"{path}.{name}")
    elif isinstance(value, list):
        for each in value:
            if node.item is None:
                yield f"{path}[]"
            else:
                yield from unknown(each, node.item, f"{path}[]")
    elif not matches(value, node.type):
        yield f"{path} is {value!r}, said to be {node.type}"


def matches(value: Any, said: str) -> bool:
    word = {type(None): "null", bool: "true or false", int: "number", float: "number"}
    kinds = (word.get(type(value), "text"), "instant" if isinstance(value, str) else "value")
    return any(kind in said for kind in (*kinds, "value"))


@pytest.mark.parametrize(
    "line",
    ["status", "projects", "models", "calls", "events", "audit", "key list", "doctor"],
)
def test_what_a_command_prints_is_documented(inside: Run, line: str) -> None:
    inside("pause", "listed", *WHY)
    inside("resume", "wide")  # refused, and so in the audit
    told = inside(*line.split(), "--json").json
    of = tree(PRINTED[line])
    assert list(unknown(told, of)) == []
    assert set(of.members) - {"is_own"} == set(told)


def test_an_answer_of_a_change_is_documented(inside: Run) -> None:
    of = tree(PRINTED["pause, and every other change"])
    for line in (("pause", "listed", *WHY), ("resume", "listed"), ("limit", "listed", "rpm", "5")):
        done = inside(*line, "--json", *(WHY if line[0] == "limit" else ()))
        assert list(unknown(done.json, of)) == []
    missing = set(of.members) - set(done.json)
    assert missing == set()


def test_what_is_not_documented_is_seen() -> None:
    of = tree({"a": int, "b": [{"c": str}]})
    assert list(unknown({"a": 1, "b": [{"c": "x", "d": 2}], "e": 3}, of)) == [".b[].d", ".e"]
    assert list(unknown({"a": "1"}, of)) == [".a is '1', said to be number"]
    assert [path for path, _, _ in rows(of)] == ["a", "b", "b[].c"]


def test_each_has_its_place_in_the_documents() -> None:
    text = (ROOT / "COMMANDS.md").read_text()
    assert json_reference().strip() in text
    assert any(meaning for shape in PRINTED.values() for _, _, meaning in rows(tree(shape)))
    assert isinstance(PRINTED["calls"], Record)

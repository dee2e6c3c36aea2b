"""The fields of ``--json``: from the records that are printed, and what their source says of them.

A record is told as the admin API tells it (`quotadeck.wire.objects`); those of a snapshot are
printed as they are. No command loads this: it makes a part of the documents.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from quotadeck.cli.doctor.finding import Finding
from quotadeck.domain.answers import AuditRow, CommandAnswer
from quotadeck.domain.pages import CallsPage, EventRow, KeysPage
from quotadeck.domain.probe import ProbePlan, ProbeReport
from quotadeck.domain.report import Report
from quotadeck.domain.snapshot import (
    Change,
    Event,
    ProjectRow,
    RouteRow,
    TargetRow,
    Vitals,
    Whoami,
)
from quotadeck.domain.subject import Subject
from quotadeck.wire.objects import Told, is_record, told_fields

INSTANT: Final = "instant"


@dataclass(frozen=True, slots=True)
class Node:
    """What stands at a place: its type in words, what it means, and what is below it."""

    type: str
    meaning: str = ""
    members: Mapping[str, "Node"] = field(default_factory=dict)
    """Of an object, by name; under ``*`` what any name has."""
    item: "Node | None" = None
    """Of a list."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record; ``raw`` as it is, ``more`` what is told beside its fields."""

    cls: Any
    raw: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)


def _raw(cls: Any) -> Record:
    return Record(cls, raw=True)


_ERROR: Final = {"error": str, "code": str}
_ANSWER: Final = Record(CommandAnswer, more=_ERROR)
_SNAPSHOT: Final = {"at": INSTANT, "now_ms": int}
_PAGE: Final = {"next_cursor": str, "more": bool, "before_cursor": str | None}
PRINTED: Final[Mapping[str, Any]] = {
    "status": {
        "at": INSTANT,
        "whoami": _raw(Whoami),
        "gateway": _raw(Vitals),
        "totals": dict.fromkeys(
            (
                *("projects", "paused", "in_trouble", "requests_60s", "refused_60s"),
                *("strangers_refused_60s", "ended_60s", "failed_60s", "in_flight"),
                *("spent_60s_nano_usd", "unpriced_60s"),
                *("spent_today_nano_usd", "budget_today_nano_usd"),
            ),
            int,
        ),
        "in_force": [Record(Change, more={"subject": str})],
        "events": [Record(Event, more={"text": str})],
    },
    "projects": _SNAPSHOT | {"projects": [_raw(ProjectRow)]},
    "models": _SNAPSHOT | {"models": [_raw(RouteRow)], "targets": [_raw(TargetRow)]},
    "calls": Record(CallsPage, more={"is_own": bool}),
    "events": {"rows": [Record(EventRow, more={"text": str})], **_PAGE},
    "audit": {"rows": [Record(AuditRow, more=_ERROR)], "next_before_seq": int | None},
    "audit verify": {
        "ok": bool,
        "state": str,
        "entries": int,
        "last_seq": int,
        "head": str,
        "broken": int | None,
        "kept_head_found": bool | None,
    },
    "pause, and every other change": _ANSWER,
    "key add": {"id": str, "secret": str, "recorded": bool},
    "key list": Record(KeysPage),
    "backup": {
        "path": str,
        "at_us": int,
        "bytes": int,
        "journal": {"segment": int, "byte": int},
    },
    "doctor": {"ok": bool, "findings": [_raw(Finding)]},
    "doctor --probe": {"plan": Record(ProbePlan), "report": Record(ProbeReport), "text": [str]},
    "init": {"config": str, "project": str, "key": str, "next": [str]},
    "watch": {"at": INSTANT, "kind": str, "subject": str, "text": str},
    "report --format json": Record(Report),
}
"""What a command prints; `watch` a line of it for each thing that it says."""


def tree(shape: Any) -> Node:
    """What stands in the JSON of this shape."""
    match shape:
        case Record(cls, raw, more):
            told = _raw_members(cls) if raw else _told_members(cls)
            return Node("object", members=told | {name: tree(of) for name, of in more.items()})
        case dict():
            return Node("object", members={name: tree(of) for name, of in shape.items()})
        case [each]:
            return Node("list", item=tree(each))
        case "instant":
            return Node(INSTANT)
    return _of_hint(shape, raw=False)


def rows(node: Node, path: str = "") -> Iterator[tuple[str, str, str]]:
    """(path, type, meaning) of all that is below it."""
    if node.item is not None:
        if node.item.members or node.item.item:
            yield from rows(node.item, f"{path}[]")
        return
    for name, member in node.members.items():
        at = f"{path}.{name}".removeprefix(".")
        yield at, _said(member), member.meaning
        yield from rows(member, at)


def json_reference() -> str:
    """The fields of each command's JSON in markdown."""
    parts = []
    for command, shape in PRINTED.items():
        lines = [f"### `{command}`", "", "| field | type | meaning |", "|---|---|---|"]
        lines += [
            f"| `{path}` | {kind} | {meaning.replace('|', chr(92) + '|')} |"
            for path, kind, meaning in rows(tree(shape))
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _said(node: Node) -> str:
    if node.item is not None and not (node.item.members or node.item.item):
        return f"{node.type} of {node.item.type}"
    return node.type


def _told_members(cls: Any) -> dict[str, Node]:
    """As the admin API tells a record: what always has a value lends its fields."""
    members: dict[str, Node] = {}
    for told in told_fields(cls):
        if isinstance(told, Told):
            node = (
                Node(INSTANT + " or null") if _is_instant(told) else _of_hint(told.hint, raw=False)
            )
            if _is_instant(told) and NoneType not in get_args(told.hint):
                node = Node(INSTANT)
            members[told.name] = _meaning(node, cls, told.attribute)
        else:
            members |= _told_members(told)
    return members


def _is_instant(told: Told) -> bool:
    return told.attribute.endswith("_us")


def _raw_members(cls: Any) -> dict[str, Node]:
    hints = get_type_hints(cls)
    return {
        one.name: _meaning(_of_hint(hints[one.name], raw=True), cls, one.name)
        for one in fields(cls)
    }


def _of_hint(hint: Any, *, raw: bool) -> Node:
    origin = get_origin(hint)
    if origin is tuple:
        each = get_args(hint)[0]
        return Node("list", item=_of_hint(each, raw=raw))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return Node("object", members={"*": _of_hint(get_args(hint)[1], raw=raw)})
    if origin in (Union, UnionType):
        return _of_several(get_args(hint), raw=raw)
    if hint is Subject:
        return Node("text, such as `project:analytics`")
    if is_record(hint) or is_dataclass(hint):
        members = _raw_members(hint) if raw else _told_members(hint)
        return Node("object", members=members)
    if isinstance(hint, type) and issubclass(hint, Enum):
        words = [str(one.value) for one in hint if isinstance(one.value, str) and one.value]
        return Node(f"text: {', '.join(words)}" if 0 < len(words) <= 8 else "text")
    return Node(_WORDS.get(hint, "value"))


def _of_several(hints: Sequence[Any], *, raw: bool) -> Node:
    nodes = [_of_hint(hint, raw=raw) for hint in hints]
    members = {name: each for node in nodes for name, each in node.members.items()}
    item = next((node.item for node in nodes if node.item), None)
    kinds = dict.fromkeys(node.type for node in nodes)
    return Node(" or ".join(kinds), members=members, item=item)


_WORDS: Final[Mapping[Any, str]] = {
    str: "text",
    int: "number",
    float: "number",
    bool: "true or false",
    NoneType: "null",
}


def _meaning(node: Node, cls: Any, attribute: str) -> Node:
    said = _docs(cls).get(attribute, "").replace("``", "`").replace("None", "null")
    return Node(node.type, said, node.members, node.item)


@cache
def _docs(cls: Any) -> Mapping[str, str]:
    """What the source says below a field."""
    said: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        if each is not object and each.__module__.startswith("quotadeck."):
            said |= _said_in(each)
    return said


def _said_in(cls: Any) -> Mapping[str, str]:
    (made,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(made, ast.ClassDef)
    return {
        before.target.id: " ".join(str(after.value.value).split())
        for before, after in zip(made.body, made.body[1:], strict=False)
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }

"""Values as JSON objects: every field arrives, and what cannot be one is told by its name."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from quotadeck.domain.answers import CommandAnswer
from quotadeck.domain.calls import Attempt, Call, Counted, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Rejected, Role
from quotadeck.domain.estimate import Bind, Estimate, Hit, Load, Money
from quotadeck.domain.gate import Gate
from quotadeck.domain.history import LevelSample, Rollup
from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.pages import CallRow, CallsPage, KeyRow, KeysPage, LevelsPage, RollupsPage
from quotadeck.domain.snapshot import Whoami
from quotadeck.domain.subject import Subject
from quotadeck.domain.usage import Usage
from quotadeck.wire.objects import UNTOLD, UnreadableObject, dump, load, plain

HOSTILE = "\x1b]52;c;aGk=\x07[@click=app.quit]"
SAFE = "\ufffd]52;c;aGk=\ufffd[@click=app.quit]"
CALL = Call(
    id="req_1",
    at_us=1,
    day="2025-11-24",
    project="analytics",
    key_id="key_1",
    priority=2,
    model="gpt-4.1",
    outcome=Outcome.REFUSED,
    cause=Cause.TARGET_RPM,
    http_status=429,
    count=3,
)
FULL = CALL._replace(
    cause=Cause.NONE,
    wait_ms=5,
    usage=Usage(1, 2, 3, 4, 5, 6, is_estimate=True),
    attempts=(Attempt("main/m", Cause.UPSTREAM_5XX, 503, 70, "up-1"),),
    gates=(Gate("project:a:rpm", 60, 1_000_000, 400_000),),
    counted=Counted(1_000_000, 2_000_000, 3, 4, 5),
)
SUMS = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
VALUES = [
    CallsPage((CallRow(9, CALL), CallRow(10, FULL)), "1:10", more=True, before_cursor="1:8"),
    RollupsPage((Rollup(3, None, "2025-11-24", "a", "m", *SUMS, (0,) * 36, {"rpm": 2}),), ""),
    LevelsPage((LevelSample(1, 10_000_000, "project:a:rpm", -5, 9, 60),), "1:1"),
    Whoami("mika", Role.OPERATOR),
    KeysPage((KeyRow("k", ("a", "b"), "prod", 1_764_000_000_000_000, "ada"),)),
    CommandAnswer(
        applied=False,
        subject=Subject.project("a"),
        before=40,
        after=True,
        then="main/gpt-4.1",
        until_us=1_764_000_000_000_001,
        refused=Rejected("stale", notice("x.stale", left_ms=3, names=("a", "b"), none=None)),
        warnings=(notice("x.one"), notice("x.two", is_new=True)),
        estimate=Estimate(
            1_000_000,
            2_000_000,
            *(15, 1, 2, 3, 4, 5, 6, 7, 8),
            hits=(Hit("b", 1, 2, 3, 4),),
            binds=(Bind("project:a:rpm", 1, 2),),
            loads=(Load("main/opus", "rpm", 50, 1, 2, 3),),
            money=Money(1, None, 3, None, 4_000_000, 5_000_000),
        ),
    ),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_from_its_object_as_it_was(value: Any) -> None:
    assert load(type(value), dump(value)) == value


def test_a_call_is_told_with_every_column_it_has() -> None:
    told = plain(CallRow(9, CALL))
    assert (told["seq"], told["at"], told["priority"]) == (9, "1970-01-01T00:00:00.000001Z", "low")
    assert (told["outcome"], told["cause"], told["count"]) == ("refused", "target_rpm", 3)
    columns = {f.removesuffix("_us") for f in Call._fields if f"Call.{f}" not in UNTOLD}
    usage = set(Usage._fields) - {"is_estimate", "beside"} | {"usage_is_estimate"}
    assert set(told) == {"seq"} | columns - {"usage"} | usage


@dataclass(frozen=True, slots=True)
class _Older:
    name: str
    since_us: int


@dataclass(frozen=True, slots=True)
class _Part:
    depth: int = 7


@dataclass(frozen=True, slots=True)
class _Newer:
    name: str
    since_us: int
    notes: tuple[str, ...] = ("none",)
    sums: Mapping[str, int] | None = None
    part: _Part = _Part()


def test_a_new_column_is_one_line_old_readers_pass_over_it_and_new_ones_have_its_default() -> None:
    older, newer = _Older("a", 5), _Newer("a", 5, ("new",), {"x": 1}, _Part(9))
    assert load(_Older, dump(newer)) == older
    assert load(_Newer, dump(older)) == _Newer("a", 5)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "Whoami is a list, no dict"),
        (b'{"actor": "mika"}', "Whoami lacks role"),
        (b'{"actor": 3, "role": "viewer"}', r"Whoami.actor is a int, no str"),
        (b'{"actor": "mika", "role": "king"}', "Whoami.role is 'king', no Role"),
        (b'{"actor": "mika", "role": ["viewer"]}', r"Whoami.role is"),
    ],
)
def test_what_is_none_is_told_by_its_field(body: bytes, words: str) -> None:
    with pytest.raises(UnreadableObject, match=words):
        load(Whoami, body)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"at": 5}, "Call.at is a int"),
        ({"at": "soon"}, "Call.at is 'soon', no instant"),
        ({"count": True}, "Call.count is a bool, no int"),
        ({"stream": 1}, "Call.stream is a int, no bool"),
        ({"priority": 2}, "Call.priority is a int, no str"),
    ],
)
def test_a_part_of_another_kind_is_told_by_its_field(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(UnreadableObject, match=words):
        load(CallRow, json.dumps(plain(CallRow(1, CALL)) | changed).encode())


def test_texts_are_cleaned_wherever_they_stand() -> None:
    told = {
        "applied": False,
        "subject": HOSTILE,
        "warnings": [{"kind": HOSTILE, "facts": {HOSTILE: HOSTILE, "n": [HOSTILE]}}],
        "field_of_the_future": 1,
    }
    answer = load(CommandAnswer, json.dumps(told).encode())
    assert str(answer.subject) == SAFE
    assert answer.warnings == (Notice(SAFE, {SAFE: SAFE, "n": (SAFE,)}),)


@dataclass(frozen=True, slots=True)
class _Clash:
    depth: int
    part: _Part


def test_two_fields_of_one_name_in_one_object_are_an_error_at_once() -> None:
    with pytest.raises(AssertionError, match="tells depth twice"):
        plain(_Clash(1, _Part()))

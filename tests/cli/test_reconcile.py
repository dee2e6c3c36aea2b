"""The two books: every kind of disagreement is found."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from quotadeck.cli.demo.reconcile import Billed, report
from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.usage import Usage


def _call(number: int, **more: Any) -> Call:
    call = Call(
        id=f"req_{number}",
        at_us=number,
        day="2026-11-24",
        project="a",
        key_id="k",
        priority=1,
        model="m",
        outcome=Outcome.OK,
        cause=Cause.NONE,
        http_status=200,
        response_id=f"chatcmpl-{number}",
        usage=Usage(10, 0, 5),
        cost_nano_usd=150,
    )
    return call._replace(**more)


def _billed(number: int, **more: Any) -> Billed:
    return replace(
        Billed(f"req_{number}", f"chatcmpl-{number}", "m", 10, 0, 5, 150, delivered=True), **more
    )


def _refused(count: int) -> Call:
    cause = Cause.RPM
    return _call(9, id="ref_9", outcome=Outcome.REFUSED, cause=cause, count=count, cost_nano_usd=0)


def _traffic(admitted: int, refused: int, failed: int = 0) -> dict[str, Any]:
    told = {
        "sent": admitted + refused + failed,
        "admitted": admitted,
        "refused": {"rate_limit_exceeded": refused},
        "failed": {"cut": failed},
    }
    return {**told, "by_project": {"a": told}}


def test_agreement_is_reported_with_its_figures() -> None:
    told = report(
        [_call(1), _call(2), _refused(7)], [_billed(2), _billed(1)], _traffic(2, 7), {"a": 300}
    )
    assert told["reconciled"] is True
    assert told["differences"] == []
    assert told["calls"] == {"sent": 9, "admitted": 2, "refused": {"rpm": 7}, "failed": {"cut": 0}}
    assert told["spend_nano_usd"] == {"a": 300}
    assert told["upstream"] == {"calls": 2, "spend_nano_usd": 300, "cut_short": 0}


Books = tuple[list[Call], list[Billed], dict[str, Any], dict[str, int]]


def _good() -> Books:
    return [_call(1), _call(2), _refused(7)], [_billed(1), _billed(2)], _traffic(2, 7), {"a": 300}


DIFFERENT: dict[str, tuple[Callable[[Books], Books], str]] = {
    "missing": (
        lambda b: ([b[0][0], b[0][2]], b[1], _traffic(1, 7), {"a": 150}),
        "not in the ledger",
    ),
    "invented": (lambda b: (b[0], b[1][:1], b[2], b[3]), "unknown to the upstream"),
    "doubled": (lambda b: ([*b[0], _call(2)], b[1], _traffic(3, 7), {"a": 450}), "twice"),
    "billed twice": (lambda b: (b[0], [*b[1], _billed(2)], b[2], b[3]), "billed twice"),
    "response id": (
        lambda b: (b[0], [b[1][0], _billed(2, response_id="chatcmpl-x")], b[2], b[3]),
        "response id",
    ),
    "tokens": (
        lambda b: (b[0], [b[1][0], _billed(2, output_tokens=6)], b[2], b[3]),
        "output tokens",
    ),
    "cached": (lambda b: (b[0], [b[1][0], _billed(2, cached_tokens=6)], b[2], b[3]), "cached"),
    "a nano-dollar": (
        lambda b: (b[0], [b[1][0], _billed(2, cost_nano_usd=151)], b[2], b[3]),
        "151",
    ),
    "roll-ups": (lambda b: (b[0], b[1], b[2], {"a": 299}), "roll-ups"),
    "admitted": (lambda b: (b[0], b[1], _traffic(3, 7), b[3]), "3"),
    "refused": (lambda b: (b[0], b[1], _traffic(2, 6), b[3]), "refused"),
    "charged too little": (
        lambda b: (
            [b[0][0], _call(2, cost_nano_usd=149, outcome=Outcome.UNKNOWN), b[0][2]],
            [b[1][0], _billed(2, delivered=False)],
            _traffic(1, 7, 1),
            {"a": 299},
        ),
        "cut short",
    ),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_every_disagreement_is_found(name: str) -> None:
    change, words = DIFFERENT[name]
    told = report(*change(_good()))
    assert told["reconciled"] is False
    assert any(words in line for line in told["differences"]), told["differences"]
    assert told["differences_count"] == len(told["differences"])


def test_a_reply_that_was_cut_short_may_be_charged_in_full() -> None:
    cut = _call(
        2, outcome=Outcome.UNKNOWN, cause=Cause.CLIENT_GONE, cost_nano_usd=900, response_id=""
    )
    books = [_call(1), cut], [_billed(1), _billed(2, delivered=False)]
    told = report(*books, _traffic(1, 0, 1), {"a": 1_050})
    assert told["differences"] == []
    assert told["upstream"]["cut_short"] == 1


def test_an_upstream_error_that_nobody_billed_is_no_difference() -> None:
    failed = _call(2, outcome=Outcome.UPSTREAM_ERROR, cost_nano_usd=0, response_id="")
    told = report([_call(1), failed], [_billed(1)], _traffic(1, 0, 1), {"a": 150})
    assert told["differences"] == []

"""Why a gateway refused a question is told whole, however deep it lies, and whatever it sent."""

import json

import pytest

from quotadeck.domain.notice import Fact
from quotadeck.sources.base import SourceError
from quotadeck.sources.gateway.questions import refused
from quotadeck.words import say


def told(kind: str, **facts: Fact) -> SourceError:
    body = {"error": "in words", "notice": {"kind": kind, "facts": facts}}
    return refused("calls", 503, json.dumps(body).encode(), "/run/g.sock")


def test_a_reason_within_a_reason_is_told_with_both() -> None:
    error = told("admin.store", why="store.unreadable", path="/s/ledger.db", what="malformed")
    said = say(error.told)
    assert said.startswith("the gateway at /run/g.sock refused: the ledger cannot be read: ")
    assert "/s/ledger.db" in said.rpartition("the ledger cannot be read: ")[2]
    deeper = say(error.within("change.lost"))
    assert said in deeper


@pytest.mark.parametrize("why", ["admin.store", "source.refused", "", None, ("admin.store",) * 9])
def test_a_reason_within_itself_ends(why: Fact) -> None:
    assert "the ledger cannot be read: " in say(told("admin.store", why=why).told)

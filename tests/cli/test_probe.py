"""`quotadeck doctor --probe`: asks first, learns by the gateway, prints the lines that fit."""

from quotadeck.cli.json_fields import PRINTED, tree
from tests.cli.conftest import Run
from tests.cli.test_json_fields import unknown

PAID = ("--project", "probed", "--model", "gpt-4.1")
"""Without limits, and of these tests alone: a probe waits where others have set one."""


def test_it_asks_before_it_costs_anything(run: Run) -> None:
    done = run("doctor", "--probe", "main", *PAID, stdin="n\n")
    assert (done.code, done.out) == (130, "")
    assert "small calls to main/gpt-4.1, which project probed pays: $0.0" in done.err
    assert "nothing was asked" in done.err


def test_it_prints_what_it_learned_and_its_calls_are_found(inside: Run) -> None:
    done = inside("doctor", "--probe", "main", *PAID, "--yes", "--json")
    assert done.code == 0
    assert list(unknown(done.json, tree(PRINTED["doctor --probe"]))) == []
    report = done.json["report"]
    assert 'stream_usage = "always"' in report["lines"]
    calls = inside("calls", "--project", "probed", "--json").json["rows"]
    own = [row for row in calls if row["id"] in report["calls"]]
    assert len(own) == len(report["calls"]) >= 2
    assert sum(row["cost_nano_usd"] for row in own) == report["cost_nano"]
    assert {row["client_request_id"][:9] for row in own} == {"probe by "}
    assert "it takes chat" in "\n".join(done.json["text"])


def test_its_words_end_in_lines_to_be_copied(inside: Run) -> None:
    lines = inside("doctor", "--probe", "main", *PAID, "--yes").out.splitlines()
    at = lines.index("[upstreams.main]")
    assert "the lines that fit" in lines[at - 1]
    assert 'stream_usage = "always"' in lines[at:]
    assert "calls, in the ledger of probed: $0.0" in lines[at - 2]


def test_what_it_cannot_ask_is_told_with_what_it_can(inside: Run) -> None:
    done = inside("doctor", "--probe", "nobody", "--yes")
    assert (done.code, "the config has main" in done.err) == (1, True)
    done = inside("doctor", "--yes")
    assert (done.code, "--probe UPSTREAM" in done.err) == (2, True)

"""What lists things: sought by id and time, chosen columns, CSV, and watched."""

import csv
import io
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from quotadeck.cli import looking
from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.listing import EVERY_S
from quotadeck.cli.table import Figure, Shape, column_names, print_table
from tests.cli.conftest import Run
from tests.processes import Gateway, wait_until
from tests.screen import Screen

BODY = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}


def asks(gateway: Gateway, project: str, times: int = 1) -> list[str]:
    """Requests of a project; their ids, as the client was told."""
    headers = {"Authorization": f"Bearer {gateway.add_key(project)}"}
    url = f"{gateway.base_url}/chat/completions"
    with httpx.Client() as http:
        answers = [http.post(url, json=BODY, headers=headers) for _ in range(times)]
    return [answer.headers["x-request-id"] for answer in answers]


def ids(inside: Run, *asked: str) -> list[str]:
    rows: list[dict[str, Any]] = inside("calls", *asked, "--json").json["rows"]
    return [row["id"] for row in rows]


def recorded(inside: Run, project: str, count: int) -> Callable[[], bool]:
    return lambda: len(ids(inside, "--project", project, "--last", "100")) >= count


def test_calls_are_leafed_through_both_ways(inside: Run, gateway: Gateway) -> None:
    names = asks(gateway, "leafed", 5)
    wait_until(recorded(inside, "leafed", 5))
    of = ("--project", "leafed", "--last", "2")
    newest = inside("calls", *of, "--json").json
    assert [row["id"] for row in newest["rows"]] == names[3:]
    assert ids(inside, *of, "--before", newest["before_cursor"]) == names[1:3]
    one = inside("calls", "--id", names[1], "--json").json
    assert one["is_own"]
    assert ids(inside, *of, "--after", one["next_cursor"]) == names[2:4]
    assert f"older ones: --before {newest['before_cursor']}" in inside("calls", *of).err
    assert inside("calls", *of, "--before", "x", "--after", "y").code == Exit.USAGE


def test_calls_of_a_time_a_key_and_a_cause(inside: Run, gateway: Gateway) -> None:
    names = asks(gateway, "asked", 2)
    of = ("--project", "asked")
    wait_until(lambda: ids(inside, *of, "--since", "-5m")[-2:] == names)
    assert ids(inside, *of, "--until", "-5m") == []
    row = inside("calls", "--id", names[0], "--json").json["rows"][0]
    assert ids(inside, *of, "--since", row["at"], "--until", row["at"]) == []
    assert names[0] in ids(inside, "--key", row["key_id"][-6:])
    assert ids(inside, *of, "--cause", "budget") == []
    assert ids(inside, *of, "--target", row["target"])[-2:] == names
    assert ids(inside, *of, "--target", "main/gemini-2.5-flash") == []
    wrong = inside("calls", "--since", "tomorrow")
    assert (wrong.code, "--since: 'tomorrow' is no time of the past" in wrong.err) == (2, True)


def test_an_id_takes_no_filter_that_it_would_ignore(inside: Run, gateway: Gateway) -> None:
    (name,) = asks(gateway, "sought")
    wait_until(recorded(inside, "sought", 1))
    assert ids(inside, "--id", name, "--project", "sought") == [name]
    assert ids(inside, "--id", name, "--project", "search") == []
    for more in (("--model", "gpt-4.1"), ("--since", "-1h"), ("--outcome", "ok")):
        done = inside("calls", "--id", name, *more)
        assert (done.code, "--id takes --project" in done.err) == (Exit.USAGE, True)
    gone = inside("calls", "--id", "req_0192f1c2aaaa7000800000000000000a")
    assert (gone.code, "the id was made at" in gone.out) == (Exit.REFUSED, True)


def test_who_was_only_counted_is_told_so(inside: Run, gateway: Gateway) -> None:
    with httpx.Client(base_url=gateway.base_url) as http:
        names = [http.get("/nowhere").headers["x-request-id"] for _ in range(30)]

    def counted() -> str:
        return next(
            (
                n
                for n in names[1:]
                if not inside("calls", "--id", n, "--json").json.get("is_own", True)
            ),
            "",
        )

    wait_until(lambda: inside("calls", "--id", names[-1]).code == Exit.OK)
    name = wait_until(counted)
    done = inside("calls", "--id", name)
    assert f"{name} was refused and counted" in done.err
    assert "(stranger)" in done.out


def test_csv_has_exact_values_and_no_formula(inside: Run, gateway: Gateway) -> None:
    asks(gateway, "booked")
    wait_until(recorded(inside, "booked", 1))
    inside("pause", "listed", "--for", "1m", "--reason", "=HYPERLINK(1)")
    (told,) = csv.DictReader(io.StringIO(inside("calls", "--project", "booked", "--csv").out))
    kept = inside("calls", "--project", "booked", "--json").json["rows"][0]
    assert (told["at"], told["in"]) == (kept["at"], str(kept["input_tokens"]))
    assert float(told["cost"]) * 1e9 == pytest.approx(kept["cost_nano_usd"])
    rows = list(
        csv.DictReader(io.StringIO(inside("audit", "--csv", "--subject", "project:listed").out))
    )
    assert "'=HYPERLINK(1)" in {row["reason"] for row in rows}
    projects = list(csv.DictReader(io.StringIO(inside("projects", "--csv").out)))
    assert {"rpm", "rpm_used", "tpm", "tpm_used", "budget"} <= projects[0].keys()
    assert projects[0]["tpm"] == "80000"
    assert inside("events", "--csv", "--json").code == Exit.USAGE


def test_columns_are_chosen_and_ordered(inside: Run) -> None:
    lines = inside("projects", "--columns", "budget, project").out.splitlines()
    assert lines[0].split() == ["budget", "project"]
    assert lines[1].split() == ["$500", "analytics"]
    wrong = inside("projects", "--columns", "weather")
    assert (wrong.code, "no column 'weather'; there are project, name," in wrong.err) == (2, True)
    targets = inside("models", "--targets", "--csv").out.splitlines()
    assert targets[0].startswith("target,state,rpm,rpm_used")


def test_a_column_is_named_by_its_heads_words() -> None:
    heads = ("at (JST)", "served by", "rpm", "used", "tpm", "used", "before → after", "429s/min")
    assert column_names(heads) == [
        *("at", "served_by", "rpm", "rpm_used", "tpm", "tpm_used", "before_after", "429s_per_min")
    ]


def test_csv_is_exact_where_the_table_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a b", "c"), [(Figure("1.2k", 1234), "@x, y")], shape=Shape(csv=True))
    assert capsys.readouterr().out == 'a_b,c\r\n1234,"\'@x, y"\r\n'


def test_events_are_found_by_subject_and_time(inside: Run) -> None:
    assert inside("pause", "listed", "--for", "1m", "--reason", "a test").code == 0
    of = ("events", "--subject", "project:listed")

    def paused(*more: str) -> list[dict[str, Any]]:
        """What was done; what it brought about is told a minute later."""
        rows = inside(*of, *more, "--json").json["rows"]
        return [row for row in rows if "listed paused" in row["text"]]

    (row, *_) = wait_until(paused)
    assert row["text"] in inside(*of).out
    assert paused("--until", "-5m") == []
    assert row in paused("--since", "-5m")
    assert "no such events" in inside("events", "--subject", "project:nobody").out


def test_a_watched_command_is_drawn_in_place_until_it_is_interrupted(gateway: Gateway) -> None:
    asked = [sys.executable, "-m", "quotadeck", "projects", "--watch", "0.2"]
    with Screen(asked, {"QUOTADECK_SOCKET": str(gateway.socket)}, columns=80, rows=8) as screen:
        first = screen.shows("lines more", within_s=30)
        screen.until(lambda: screen.text.splitlines()[0] != first.splitlines()[0], "redrawn")
        assert screen.text.splitlines()[1] == first.splitlines()[1]
        screen.type("\x03")
        assert screen.exit_code(30) == Exit.INTERRUPTED


def test_a_gateway_that_goes_away_is_said_beside_what_was_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rounds = iter(["one", "gone", "two"])

    def once() -> int:
        if (said := next(rounds)) == "gone":
            raise Stop(Exit.UNREACHABLE, "nobody answers")
        print(said)
        return 0

    assert looking.look_again(once, every_s=0, rounds=3) == 0
    pictures = [part.splitlines() for part in capsys.readouterr().out.split("\n\n") if part]
    assert [lines[1] for lines in pictures] == ["one", "one", "two"]
    assert [" STALE: nobody answers" in lines[0] for lines in pictures] == [False, True, False]


def test_where_the_first_look_fails_it_ends(homeless: Run) -> None:
    assert homeless("status", "--watch").code == Exit.UNREACHABLE
    assert homeless("status", "--watch", "--json").code == Exit.USAGE
    assert EVERY_S == 2

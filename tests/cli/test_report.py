"""``quotadeck report`` over a gateway that was asked, changed and refused."""

import csv
from io import StringIO

import httpx

from tests.cli.conftest import Run
from tests.load import chat
from tests.processes import Gateway, wait_until


def test_the_last_hour_as_markdown_csv_and_json(inside: Run, gateway: Gateway) -> None:
    gateway.command("pause", "project:reported", field="paused", value=True, for_ms=60_000)
    with httpx.Client(base_url=gateway.base_url) as http:
        headers = {"authorization": f"Bearer {gateway.add_key('reported', label='report')}"}
        assert http.post("/chat/completions", json=chat(), headers=headers).status_code == 403

    def told() -> list[dict[str, object]]:
        rows: list[dict[str, object]] = inside("report", "--since", "-1h", "--format", "json").json[
            "projects"
        ]
        return [row for row in rows if row["name"] == "reported" and row["refused"]]

    wait_until(told)
    assert told()[0]["causes"] == {"paused": 1}
    words = inside("report", "--since", "-1h", "--zone", "UTC")
    assert words.code == 0
    assert words.out.startswith("# test")
    assert "reported paused for 1m" in words.out
    assert "| reported | 1 | 1 (100%)" in words.out
    rows = list(csv.reader(StringIO(inside("report", "--since", "-1h", "--format", "csv").out)))
    assert {"command", "project"} <= {row[0] for row in rows}
    done = inside("report", "--since=-1h", "--format=json").json["commands"]
    keys = [row["value"] for row in done if row["action"] == "key_add"]
    assert {key["sha256"] for key in keys} == {""}


def test_a_wrong_time_is_said_to_be_one(inside: Run) -> None:
    wrong = inside("report", "--since", "yesterday")
    assert wrong.code == 2
    assert "'yesterday' is no time of the past such as -2h" in wrong.err
    assert inside("report", "--since", "-1h", "--until", "-2h").code == 2

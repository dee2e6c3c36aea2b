"""The traffic, against the upstream itself as its gateway."""

import asyncio
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from quotadeck.sim import cast
from quotadeck.sim.catalogue import MODELS
from quotadeck.sim.prompts import Prompts

from .driver import PATIENCE_S, Upstream, eventually, finish, running, spawn


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Upstream]:
    """An upstream of the test's own: its log is this traffic's."""
    with running(tmp_path / "gateway.jsonl") as upstream:
        yield upstream


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_bytes(orjson.dumps({character.id: "qd_any" for character in cast(40)}))
    return path


def start(gateway: Upstream, keys: Path, *more: str) -> subprocess.Popen[str]:
    return spawn("traffic", "--gateway", gateway.base_url, "--keys", keys, *more)


def counts(process: subprocess.Popen[str]) -> dict[str, Any]:
    code, out, err = finish(process)
    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    report = dict(orjson.loads(line))
    assert set(report) == {"sent", "admitted", "refused", "failed", "by_project"}
    for row in (report, *report["by_project"].values()):
        ends = row["admitted"] + sum(row["refused"].values()) + sum(row["failed"].values())
        assert row["sent"] == ends
    assert report["sent"] == sum(row["sent"] for row in report["by_project"].values())
    return report


async def put(gateway: Upstream, **fault: object) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{gateway.root}/sim/faults", json=fault) as answer,
    ):
        assert answer.status == 201


async def test_a_run_reports_what_the_log_holds(gateway: Upstream, keys: Path) -> None:
    report = counts(start(gateway, keys, "--seconds", "0.5", "--rate", "12", "--seed", "1"))
    assert 10 < report["sent"] < 200
    assert report["admitted"] == report["sent"] == len(gateway.log())
    assert list(report["by_project"]) == [character.id for character in cast()]
    assert all(line["delivered"] for line in gateway.log())
    streamed = Counter(line["model"] for line in gateway.log() if line["stream"])
    assert streamed["gpt-4.1"] > 0


async def test_the_storm_asks_again_at_once_and_the_others_wait(
    gateway: Upstream, keys: Path
) -> None:
    await put(gateway, kind="retry-after", value=30)
    report = counts(start(gateway, keys, "--seconds", "0.5", "--rate", "12"))
    assert set(report["refused"]) == {"rate_limit_exceeded"}
    assert report["admitted"] == 0
    storm, search = (report["by_project"][name]["sent"] for name in ("batch-embed", "search"))
    # A job of the storm is eight attempts; one of search is one, and then it holds its place.
    assert storm % 8 == 0
    assert storm >= 8
    assert 1 <= search <= 90


async def test_refusals_and_failures_are_counted_by_cause(gateway: Upstream, keys: Path) -> None:
    await put(gateway, kind="insufficient-quota", model="gemini-2.5-flash")
    await put(gateway, kind="truncate", model="gpt-4.1", count=1)
    await put(gateway, kind="status", value=503, model="gpt-4.1", count=2)
    await put(gateway, kind="refuse", model="deepseek-v3.2")
    report = counts(start(gateway, keys, "--seconds", "0.5", "--rate", "16"))
    assert report["by_project"]["search"]["refused"].keys() == {"insufficient_quota"}
    assert report["failed"]["http_503"] == 2
    assert report["failed"]["broken_stream"] + report["failed"].get("bad_body", 0) == 1
    assert report["by_project"]["batch-embed"]["failed"].keys() == {"connection_lost"}


async def test_sigterm_ends_it_with_its_report(gateway: Upstream, keys: Path) -> None:
    process = start(gateway, keys, "--rate", "3")
    await eventually(lambda: len(gateway.log()) > 3)
    process.send_signal(signal.SIGTERM)
    assert counts(process)["admitted"] == len(gateway.log())


async def test_the_parents_end_cuts_what_is_under_way(gateway: Upstream, keys: Path) -> None:
    await put(gateway, kind="slow", value=60, count=1000)
    process = start(gateway, keys, "--rate", "3", "--exit-with-parent")
    async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE_S):
        left = 1000
        while left == 1000:
            async with session.get(f"{gateway.root}/sim/faults") as answer:
                left = (await answer.json())["in_force"][0]["count"]
    report = counts(process)  # communicate() closes its stdin
    assert report["failed"].keys() == {"cut"}
    assert report["admitted"] == 0


async def test_further_projects_are_quiet_and_long_tailed(gateway: Upstream, keys: Path) -> None:
    report = counts(start(gateway, keys, "--seconds", "0.5", "--rate", "12", "--projects", "40"))
    assert len(report["by_project"]) == 40
    assert "project-0040" in report["by_project"]


def test_the_cast_is_fit_for_a_configuration() -> None:
    many = cast(500)
    assert [character.id for character in many[:6]] == [
        "analytics",
        "content-gen",
        "search",
        "support-chat",
        "batch-embed",
        "checkout",
    ]
    assert cast(2) == many[:2]
    assert len({character.id for character in many}) == 500
    for character in many:
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", character.id)
        assert character.priority in {"high", "medium", "low"}
        assert Decimal(character.daily_budget_usd) > 0
        assert set(character.models) <= set(MODELS)
    by_id = {character.id: character for character in many}
    assert (by_id["analytics"].rpm, by_id["analytics"].tpm) == (20, 80_000)
    assert (by_id["content-gen"].rpm, by_id["content-gen"].tpm) == (30, 120_000)


@pytest.mark.parametrize("projects", [7, 8, 40, 500])
def test_quiet_projects_share_one_total(projects: int) -> None:
    quiet = [character.habit.per_s for character in cast(projects)[6:]]
    assert sum(quiet) == pytest.approx(5.0)
    assert quiet == sorted(quiet, reverse=True)


def test_requests_are_drawn_from_the_seed() -> None:
    chat = cast()[3]
    first = [Prompts(1).body(chat, number) for number in range(20)]
    assert first == [Prompts(1).body(chat, number) for number in range(20)]
    assert first != [Prompts(2).body(chat, number) for number in range(20)]
    asked = Counter("stream_options" in request for request in first)
    assert asked[True]
    assert asked[False]

"""A replay under what was in force decides as it was decided then: request by request."""

import random
from pathlib import Path

import pytest

from quotadeck.domain.catalogue import Catalogue, Project, Route, Target, Upstream
from quotadeck.domain.commands import Field
from quotadeck.domain.limits import Priority
from quotadeck.domain.price import Price
from quotadeck.domain.subject import Subject
from tests.backtest.recording import Coming, recorder, replayed

PRICE = Price(2_000_000, 8_000_000, 500_000, 2_000_000, "v1")
CATALOGUE = Catalogue(
    projects={
        "a": Project("a", "A", Priority.HIGH, limits={Field.RPM: 60, Field.TPM: 9_000}),
        "b": Project("b", "B", limits={Field.CONCURRENCY: 2, Field.BUDGET: 120_000_000}),
        "c": Project("c", "C", Priority.LOW),
        "d": Project("d", "D", limits={Field.RPM: 30}),
    },
    upstreams={"main": Upstream("main", "http://127.0.0.1:9", "secret")},
    targets={
        "main/opus": Target(
            "main/opus", "main", "opus", PRICE, limits={Field.RPM: 110, Field.TPM: 30_000}
        ),
        "main/flash": Target("main/flash", "main", "flash", PRICE),
    },
    routes={
        "opus": Route("opus", ("main/opus", "main/flash")),
        "flash": Route("flash", ("main/flash",)),
    },
)


def traffic(seed: int, count: int) -> list[Coming]:
    """Bursts and pauses, big and small, quick and slow."""
    dice = random.Random(seed)
    coming = []
    for _ in range(count):
        lull = dice.random() < 0.02
        tokens = dice.choice((40, 120, 600))
        coming.append(
            Coming(
                dice.randrange(8_000_000) if lull else dice.randrange(1, 300_000),
                dice.choice("aabccd"),
                dice.choice(("opus", "opus", "flash")),
                tokens,
                dice.randrange(1, 300),
                dice.randrange(1, 2 * tokens),
                dice.randrange(0, 400),
                dice.choice((3, 700, 2_500, 45_000)),
            )
        )
    return coming


@pytest.mark.parametrize("seed", range(8))
async def test_under_the_same_limits_each_request_is_decided_as_it_was(
    tmp_path: Path, seed: int
) -> None:
    async with recorder(tmp_path, CATALOGUE) as at:
        await at.comes(traffic(seed, 1_500))
        end_us = at.clock.wall_us()
        await at.until(end_us + 60_000_000)
        await at.ledger.flushed()
        came = [(us, p) for us, p in at.came]
        since_us = came[len(came) // 3][0] - 1
        begun = [Subject.project(name) for name in CATALOGUE.projects]
        told, verdicts = replayed(tmp_path, since_us, end_us, begun)
        first = came.index(told[0])
        assert told == came[first:]
        assert verdicts.of == at.decided[first:]
        refused = {bucket for bucket in verdicts.of if bucket}
        assert len(refused) > 3

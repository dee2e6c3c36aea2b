"""Any past instant can be told: what the file said, how full buckets were, what held of whom."""

from dataclasses import fields, is_dataclass
from typing import Any

import orjson
import pytest

from quotadeck.domain.catalogue import Catalogue, Project, Route, Target, Upstream
from quotadeck.domain.commands import Field
from quotadeck.domain.history import LevelSample, StateSpan
from quotadeck.domain.limits import Priority
from quotadeck.domain.price import Price
from quotadeck.domain.rules import LimitKind
from quotadeck.store import Keep, Ledger, file_layer
from tests.clocks import HandClock
from tests.store.conftest import Opener

SECRET = "sk-" + "5ecre7" * 8
RPM, TPM = "project:a:rpm", "project:a:tpm"
HOUR_MS = 3_600_000


def catalogue(rpm: int) -> Catalogue:
    return Catalogue(
        projects={
            "a": Project(
                "a", "A", Priority.HIGH, limits={Field.RPM: rpm}, shadow=frozenset(LimitKind)
            )
        },
        upstreams={"main": Upstream("main", "https://main.example/v1", SECRET)},
        targets={"main/m": Target("main/m", "main", "m", Price(1, 2, 3, 4, "v1"))},
        routes={"m": Route("m", ("main/m",))},
    )


async def test_a_past_instant_is_told(open_ledger: Opener, clock: HandClock) -> None:
    ledger = await open_ledger()
    before_us = clock.wall_us() - 1
    morning_us = clock.wall_us()
    ledger.catalogue(file_layer(catalogue(60)), morning_us)
    ledger.levels(morning_us, {RPM: 4}, {RPM: (3, 4, 60), TPM: (7, 8, 9_000)})
    _state(ledger, clock, "throttled", "rpm", entered=True, count=3)
    clock.advance_ms(HOUR_MS)
    ledger.levels(clock.wall_us(), {RPM: 4}, {RPM: (-5, 1, 30)})
    _state(ledger, clock, "failing", "", entered=True)
    clock.advance_ms(HOUR_MS)
    noon_us = clock.wall_us()
    _state(ledger, clock, "throttled", "rpm", entered=False, count=90)
    await ledger.close()

    ledger = await open_ledger()
    clock.advance_ms(HOUR_MS)
    ledger.catalogue(file_layer(catalogue(90)), clock.wall_us())
    _state(ledger, clock, "throttled", "rpm", entered=True, count=1)
    await ledger.flushed()
    reader, evening_us = ledger.reader, clock.wall_us()

    said = [await reader.catalogue_at(at_us) for at_us in (before_us, noon_us, evening_us)]
    assert [one and one.content["projects"]["a"]["limits"]["rpm"] for one in said] == [None, 60, 90]
    assert [one and one.at_us for one in said] == [None, morning_us, evening_us]

    assert await reader.levels_at(before_us) == []
    rpm = LevelSample(1, morning_us, RPM, 3, 4, 60)
    tpm = LevelSample(2, morning_us, TPM, 7, 8, 9_000)
    lower = LevelSample(3, morning_us + HOUR_MS * 1_000, RPM, -5, 1, 30)
    assert await reader.levels_at(morning_us + 1) == [rpm, tpm]
    assert await reader.levels_at(noon_us) == [lower, tpm]
    assert await reader.levels_at(noon_us, [TPM]) == [tpm]

    async def held(at_us: int) -> list[tuple[str, object]]:
        return [(span.kind, span.facts.get("count")) for span in await reader.states_at(at_us)]

    assert await held(before_us) == []
    assert await held(morning_us) == [("throttled", 3)]
    assert await held(noon_us - 1) == [("throttled", 3), ("failing", None)]
    assert await held(noon_us) == [("failing", None)]
    assert await held(evening_us) == [("failing", None), ("throttled", 1)]
    spans = [span for _, span in await reader.states(subject="project:a")]
    assert spans[0] == StateSpan(
        "project:a", "throttled", "rpm", morning_us, noon_us, {"count": 3}, {"count": 90}
    )
    assert [span.left_us for span in spans] == [noon_us, None, None]


def _state(
    ledger: Ledger, clock: HandClock, kind: str, cause: str, *, entered: bool, **facts: object
) -> None:
    ledger.state(clock.wall_us(), "project:a", kind, cause, entered=entered, facts=facts)


async def test_a_state_that_is_entered_twice_goes_on_and_leaves_once(
    open_ledger: Opener, clock: HandClock
) -> None:
    ledger = await open_ledger()
    for entered in (False, True, True, False, False, True):
        _state(ledger, clock, "near", "tpm", entered=entered)
        clock.advance_ms(1_000)
    await ledger.flushed()
    start_us = clock.wall_us() - 6_000_000
    spans = [(span.entered_us, span.left_us) for _, span in await ledger.reader.states()]
    assert spans == [
        (start_us + 1_000_000, start_us + 3_000_000),
        (start_us + 5_000_000, None),
    ]


async def test_a_state_goes_ninety_days_after_it_was_left_and_never_while_it_holds(
    open_ledger: Opener, clock: HandClock
) -> None:
    ledger = await open_ledger(Keep(states_us=HOUR_MS * 1_000))
    for kind, entered in (("near", True), ("spent", True), ("near", False)):
        _state(ledger, clock, kind, "", entered=entered)
    await ledger.flushed()
    clock.advance_ms(24 * HOUR_MS)
    while len(await ledger.reader.states()) > 1:
        ledger.levels(clock.wall_us(), {}, {})
        await ledger.flushed()
    ((_, span),) = await ledger.reader.states()
    assert (span.kind, span.left_us) == ("spent", None)


async def test_the_file_layer_is_recorded_when_it_changed_and_only_then(
    open_ledger: Opener, clock: HandClock
) -> None:
    seen = []
    for rpm in (60, 60, 90, 60):
        ledger = await open_ledger()
        ledger.catalogue(file_layer(catalogue(rpm)), clock.wall_us())
        await ledger.flushed()
        said = await ledger.reader.catalogue_at(clock.wall_us())
        assert said is not None
        seen.append((said.at_us, said.content["projects"]["a"]["limits"]["rpm"]))
        await ledger.close()
        clock.advance_ms(1_000)
    first, second, third, fourth = seen
    assert first == second
    assert [rpm for _, rpm in (first, third, fourth)] == [60, 90, 60]
    assert first[0] < third[0] < fourth[0]


def test_the_file_layer_is_the_same_bytes_in_any_order_and_has_no_secret() -> None:
    whole = catalogue(60)
    body = file_layer(whole, roles={"admin": ("user:a",)}, request_window_s=10)
    assert body == file_layer(whole, request_window_s=10, roles={"admin": ("user:a",)})
    assert orjson.loads(body)["projects"]["a"]["shadow"] == sorted(LimitKind)
    assert SECRET.encode() not in body
    told = orjson.loads(body)["upstreams"]["main"]
    assert told["base_url"] == "https://main.example/v1"
    assert told.keys() == {field.name for field in fields(Upstream) if field.repr}
    assert not told.keys() & {"key", "headers", "query", "proxy_login", "hidden"}


@pytest.mark.parametrize("kind", [Project, Target, Route, Price, Catalogue])
def test_secrets_stand_in_upstreams_alone(kind: Any) -> None:
    """All else of the catalogue is put on record whole."""
    assert is_dataclass(kind)
    assert all(field.repr for field in fields(kind))

"""A time of arrival finds each call that arrived then, also those that were long under way."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quotadeck.domain.calls import Call, Counted, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.ids import new_id
from quotadeck.store import Ledger, Reader
from quotadeck.store.reading import search as searching
from tests.store.conftest import Opener
from tests.store.test_search import pages
from tests.store.values import ended, opened, refused

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
SPAN_US = 40 * MINUTE_US
BEGIN_US = 1_795_489_200_000_000


def arrived(at_us: int, entropy: random.Random) -> str:
    return new_id("req", at_us, entropy.randbytes(10))


@st.composite
def nights(draw: st.DrawFn) -> tuple[list[Call], list[tuple[int, str]]]:
    """Calls in the order in which they ended, and those that a crash at the end cut off."""
    entropy = random.Random(draw(st.integers(0, 10**6)))
    calls: list[tuple[int, Call]] = []
    cut: list[tuple[int, str]] = []
    for _ in range(draw(st.integers(0, 60))):
        at_us = BEGIN_US + entropy.randrange(SPAN_US)
        kind = entropy.choice(["quick", "quick", "slow", "held", "counted", "cut"])
        took_us = entropy.randrange(SECOND_US if kind == "quick" else 30 * MINUTE_US)
        name = arrived(at_us, entropy)
        if kind == "counted":
            call = refused(name, Cause.RPM, 7, at_us=at_us)
            over = Counted(at_us, at_us + entropy.randrange(SECOND_US), 1, 7, 1)
            call = call._replace(counted=over)
            took_us = 2 * SECOND_US
        elif kind == "cut":
            cut.append((at_us, name))
            continue
        else:
            # Its record is of its dispatch: it may have waited, with an older id.
            waited_us = entropy.randrange(20 * SECOND_US) if kind == "held" else 0
            call = ended(
                name,
                at_us=at_us + waited_us,
                total_ms=(took_us + waited_us) // 1_000,
                project=entropy.choice(["a", "b"]),
            )
            took_us += waited_us
        calls.append((at_us + took_us, call))
    return [call for _, call in sorted(calls, key=lambda one: one[0])], cut


async def record(open_ledger: Opener, calls: list[Call], cut: list[tuple[int, str]]) -> Ledger:
    ledger = await open_ledger()
    for at_us, name in cut:
        ledger.open_call(opened(name, at_us=at_us))
    for call in calls:
        ledger.end_call(call)
    await ledger.flushed()
    await ledger.close()
    ledger = await open_ledger()  # it closes what was cut
    await ledger.flushed()
    return ledger


async def found(reader: Reader, **asked: Any) -> list[list[int]]:
    """Forward and backward."""
    forward = await pages(reader, newest=False, limit=5, **asked)
    backward = await pages(reader, newest=True, limit=5, **asked)
    orders = (forward, backward[::-1])
    return [[seq for page in order for seq, _ in page.rows] for order in orders]


def is_of(call: Call, since_us: int | None, until_us: int | None) -> bool:
    last_us = call.counted.last_us if call.counted else call.at_us
    after = since_us is None or last_us >= since_us
    return after and (until_us is None or call.at_us < until_us)


@pytest.mark.parametrize("looked", [7, 20_000])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    night=nights(),
    bounds=st.lists(st.integers(-5, 75), min_size=2, max_size=2),
    of=st.integers(0, 3),
)
async def test_a_time_finds_all_calls_that_arrived_in_it_and_no_other(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    looked: int,
    night: tuple[list[Call], list[tuple[int, str]]],
    bounds: list[int],
    of: int,
) -> None:
    monkeypatch.setattr(searching, "SEARCHED", looked)
    monkeypatch.setattr(searching, "SEARCHED_APART", looked)
    from tests.clocks import HandClock

    directory = tmp_path_factory.mktemp("night")

    async def opener(*_: object) -> Ledger:
        return await Ledger.open(directory, HandClock(BEGIN_US + 4 * 60 * MINUTE_US))

    ledger = await record(opener, *night)
    reader = ledger.reader
    low, high = (BEGIN_US + minute * MINUTE_US for minute in sorted(bounds))
    since_us, until_us = [(low, high), (low, None), (None, high), (low, low)][of]
    every = await reader.calls(limit=-1)
    for project in ("", "a"):
        wanted = [
            seq
            for seq, call in every
            if is_of(call, since_us, until_us) and project in ("", call.project)
        ]
        asked: dict[str, Any] = {"since_us": since_us, "until_us": until_us, "project": project}
        assert await found(reader, **asked) == [wanted, wanted]
    await ledger.close()


async def test_a_call_cut_off_by_a_crash_is_found_while_the_gateway_was_down(
    open_ledger: Opener,
) -> None:
    entropy = random.Random(1)
    calls = [ended(arrived(us, entropy), at_us=us) for us in range(BEGIN_US, BEGIN_US + 9)]
    cut = [(BEGIN_US + 5, arrived(BEGIN_US + 5, entropy))]
    ledger = await record(open_ledger, calls, cut)
    late_us = BEGIN_US + 600 * MINUTE_US
    ledger.end_call(ended(arrived(late_us, entropy), at_us=late_us))
    await ledger.flushed()
    until_us = BEGIN_US + 300 * MINUTE_US
    page = await ledger.reader.search(newest=True, until_us=until_us)
    assert len(page.rows) == 10
    assert page.rows[-1][1].outcome is Outcome.UNKNOWN
    assert (await ledger.reader.search(newest=True, since_us=until_us)).rows[0][1].at_us == late_us


async def test_key_and_cause(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    ledger.end_call(ended("req_1", key_id="k_7f01b21a86"))
    ledger.end_call(refused("req_2", Cause.TPM)._replace(key_id="k_7f01b21a86"))
    ledger.end_call(refused("req_3", Cause.RPM)._replace(key_id="k_000086"))
    await ledger.flushed()

    async def names(**asked: Any) -> list[str]:
        return [call.id for _, call in (await ledger.reader.search(**asked)).rows]

    assert await names(key="k_7f01b21a86") == ["req_1", "req_2"]
    assert await names(key="b21a86") == ["req_1", "req_2"]
    assert await names(key="86") == ["req_1", "req_2", "req_3"]
    assert await names(key="%86") == await names(key="K_000086") == []
    assert await names(cause="tpm") == ["req_2"]
    assert await names(cause="rpm", key="86", outcome="refused") == ["req_3"]
    assert await names(cause="rpm", key="a86") == []

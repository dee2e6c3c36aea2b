"""Roll-ups are the calls, summed: whatever comes, in whatever order, however often."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.usage import Usage
from quotadeck.store import Ledger
from tests.clocks import HandClock
from tests.store.conftest import Opener
from tests.store.values import MINUTE_US, START_US, all_calls, assert_sums, ended

counts = st.integers(0, 10**9)


@st.composite
def calls(draw: st.DrawFn) -> Call:
    refused = draw(st.booleans())
    outcomes = [o for o in Outcome if o is not Outcome.REFUSED]
    return ended(
        f"req_{draw(st.integers(0, 30))}",
        at_us=START_US + draw(st.integers(-2 * MINUTE_US, 2 * MINUTE_US)),
        project=draw(st.sampled_from(["analytics", "search", "名前"])),
        day=draw(st.sampled_from(["2026-11-24", "2026-11-25"])),
        outcome=Outcome.REFUSED if refused else draw(st.sampled_from(outcomes)),
        cause=draw(st.sampled_from(Cause)),
        count=draw(st.integers(1, 500)) if refused else 1,
        usage=draw(
            st.builds(
                Usage,
                *[counts] * 6,
                st.booleans(),
                counts,
                st.sampled_from(["", "priority+us"]),
                st.none() | counts,
                st.just(()),
            )
        ),
        cost_nano_usd=draw(counts),
        fees_nano_usd=draw(counts),
        total_ms=draw(st.integers(0, 300_000)),
    )


@given(st.lists(calls(), min_size=1, max_size=40))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
async def test_roll_ups_equal_the_calls_each_of_which_counts_once(
    given_calls: list[Call],
) -> None:
    with TemporaryDirectory() as place:
        ledger = await Ledger.open(Path(place), HandClock())
        try:
            await check_sums(ledger, given_calls)
        finally:
            await ledger.close()


async def check_sums(ledger: Ledger, given_calls: list[Call]) -> None:
    for call in given_calls:
        ledger.end_call(call)
    await ledger.flushed()
    await assert_sums(ledger.reader)
    first: dict[str, Call] = {}
    for call in given_calls:
        first.setdefault(call.id, call)
    recorded = {call.id: call.cost_nano_usd for call in await all_calls(ledger.reader)}
    assert recorded == {name: call.cost_nano_usd for name, call in first.items()}
    totals = await ledger.reader.totals()
    assert sum(t.cost_nano_usd for t in totals.values()) == sum(recorded.values())


async def test_a_row_that_changes_comes_after_the_cursor_again(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    for project in ("analytics", "search"):
        ledger.end_call(ended(f"req_{project}", project=project))
    await ledger.flushed()
    rows = await ledger.reader.rollups(per="minute")
    assert [row.project for row in rows] == ["analytics", "search"]
    cursor = rows[-1].seq
    assert await ledger.reader.rollups(per="minute", after=cursor) == []

    ledger.end_call(ended("req_more"))
    await ledger.flushed()
    (changed,) = await ledger.reader.rollups(per="minute", after=cursor)
    assert (changed.project, changed.forwarded, changed.cost_nano_usd) == ("analytics", 2, 1_400)


async def test_pages_by_cursor_show_every_row(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    for number in range(50):
        ledger.end_call(ended(f"req_{number}", project=f"p{number}"))
    await ledger.flushed()
    seen: list[str] = []
    after = 0
    while page := await ledger.reader.rollups(per="day", after=after, limit=7):
        seen += [row.project for row in page]
        after = page[-1].seq
    assert sorted(seen) == sorted(f"p{number}" for number in range(50))

"""What a replay says of a change, on traffic that was recorded: the figures and whom it hits."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from quotadeck.backtest.foresee import Foresight
from quotadeck.backtest.messages import Ask, Told, ask_of, told_of
from quotadeck.backtest.sharing import sharing
from quotadeck.backtest.terms import File, Terms
from quotadeck.backtest.trace import read
from quotadeck.domain.calls import Counted, Outcome
from quotadeck.domain.catalogue import Catalogue, Project, Target
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Field
from quotadeck.domain.estimate import Estimate
from quotadeck.domain.limits import MICRO, Priority
from quotadeck.domain.subject import Subject
from quotadeck.domain.usage import NOTHING_USED
from tests.backtest.recording import Coming, Recorder, recorder, records_of
from tests.backtest.test_exact import CATALOGUE, PRICE, traffic

NEVER_NS = 1 << 62
SECOND_US = 1_000_000


def told(at: Recorder, directory: Path, **after: object) -> Told:
    """Of a change, by subject: ``project_a={"rpm": 3}``."""
    changed = {subject.replace("_", ":", 1): values for subject, values in after.items()}
    ask = Ask(1, at.clock.wall_us(), NEVER_NS, {}, {}, changed, at.under_way)  # type: ignore[arg-type]
    assert ask_of(ask.line()) == ask
    with closing(records_of(directory)) as records:
        said = Foresight(records).told(ask, lambda: None)
    assert told_of(said.line()) == said
    return said


def estimated(at: Recorder, directory: Path, **after: object) -> Estimate:
    said = told(at, directory, **after)
    assert said.estimate is not None, said.why
    return said.estimate


def with_project(**changes: object) -> Catalogue:
    """One project, ``a``, on a target without limits."""
    project = replace(Project("a", "A", Priority.MEDIUM), **changes)  # type: ignore[arg-type]
    return replace(CATALOGUE, projects={"a": project})


@pytest.mark.parametrize("seed", range(6))
async def test_a_higher_limit_never_lets_fewer_through(tmp_path: Path, seed: int) -> None:
    async with recorder(tmp_path, CATALOGUE) as at:
        await at.comes([one for one in traffic(seed, 900) if one.model == "flash"])
        before = 0
        for rpm in (30, 31, 40, 60, 200):
            said = estimated(at, tmp_path, project_d={"rpm": rpm})
            assert said.admitted_after >= said.admitted_before == said.admitted_really
            assert said.admitted_after >= before
            assert said.admitted_after + said.refused_after == said.requests
            before = said.admitted_after


async def test_a_change_never_promises_what_another_limit_forbids(tmp_path: Path) -> None:
    limits = {Field.RPM: 30, Field.TPM: 6_000}
    async with recorder(tmp_path, with_project(limits=limits)) as at:
        await at.comes([Coming(SECOND_US, "a", "flash", 100, 100, 100, 100)] * 180)
        said = estimated(at, tmp_path, project_a={"rpm": 6_000})
        # What the tokens' bucket held at the beginning goes sooner, and no more than it refills.
        assert said.admitted_before < said.admitted_after <= 30 + 3 * 30
        (bind,) = [each for each in said.binds if each.refused_after]
        assert bind.bucket == "project:a:tpm"


async def test_it_says_how_long_the_money_lasts(tmp_path: Path) -> None:
    limits = {Field.BUDGET: 30_000_000}
    async with recorder(tmp_path, with_project(limits=limits)) as at:
        await at.comes([Coming(SECOND_US, "a", "flash", 100, 100, 100, 100, 100)] * 120)
        said = estimated(at, tmp_path, project_a={"daily_budget_usd": 300_000_000})
        money, now_us = said.money, at.clock.wall_us()
        assert money is not None
        assert (money.spent_nano, money.limit_before_nano) == (30_000_000, 30_000_000)
        assert money.gone_before_us == now_us
        # A request a second for a million: 270 seconds, as it came in two minutes.
        assert money.gone_after_us is not None
        assert abs(money.gone_after_us - now_us - 270 * SECOND_US) < 10 * SECOND_US
        unlimited = estimated(at, tmp_path, project_a={"daily_budget_usd": None}).money
        assert unlimited is not None
        assert unlimited.gone_after_us is None


async def test_it_says_whom_a_models_pause_cuts_off_and_whom_it_gives_room(tmp_path: Path) -> None:
    targets = {
        "main/opus": Target("main/opus", "main", "opus", PRICE, limits={Field.RPM: 60}),
        "main/flash": Target("main/flash", "main", "flash", PRICE, limits={Field.RPM: 1_000}),
    }
    projects = {name: Project(name, name) for name in "abc"}
    async with recorder(tmp_path, replace(CATALOGUE, targets=targets, projects=projects)) as at:
        coming = [Coming(200_000, "a", "opus"), Coming(200_000, "b", "opus")]
        await at.comes([*coming, Coming(600_000, "c", "flash"), Coming(1, "b", "flash")] * 60)
        paused = estimated(at, tmp_path, model_opus={"paused": True})
        assert (paused.admitted_after, paused.refused_after) == (0, 120)
        assert [hit.project for hit in paused.hits if not hit.admitted_after] == ["a"]
        assert {hit.project for hit in paused.hits} == {"a", "b"}
        (bind,) = [each for each in paused.binds if each.refused_after]
        assert bind.bucket == "model:opus:paused"
        without = estimated(at, tmp_path, project_a={"paused": True})
        assert [hit.project for hit in without.hits] == ["b"]
        assert without.hits[0].admitted_after > without.hits[0].admitted_before
        moved = estimated(at, tmp_path, model_opus={"target": "main/flash"})
        (load,) = [load for load in moved.loads if load.target == "main/flash"]
        assert (load.kind, load.limit, load.before < load.after) == ("rpm", 1_000, True)
        assert moved.admitted_after == 120


async def test_retries_of_what_is_let_through_are_dropped(tmp_path: Path) -> None:
    async with recorder(tmp_path, with_project(limits={Field.RPM: 6})) as at:
        asked = Coming(10 * SECOND_US, "a", "flash", ms=10)
        again = replace_all(asked, after_us=SECOND_US)
        # Each is tried three times: at once, a second after, and another.
        story = [Coming(SECOND_US, "a", "flash", 40, ms=10), asked, again, again]
        story = [one._replace(retry=max(0, n - 1)) for n, one in enumerate(story)]
        await at.comes(story * 20)
        said = estimated(at, tmp_path, project_a={"rpm": 600})
        assert said.requests == 80
        assert said.retries > 0
        assert said.admitted_after + said.retries == 80
        assert said.admitted_after >= 40


def replace_all(one: Coming, **changes: object) -> Coming:
    return one._replace(**changes)  # type: ignore[arg-type]


async def test_the_callers_own_name_tells_a_retry_too(tmp_path: Path) -> None:
    async with recorder(tmp_path, with_project(limits={Field.RPM: 6})) as at:
        tries = [Coming(SECOND_US, "a", "flash", ms=10, name=f"n{n // 3}") for n in range(60)]
        await at.comes(tries)
        said = estimated(at, tmp_path, project_a={"rpm": 600})
        assert said.admitted_after + said.retries == 60
        assert said.admitted_after < 40
        unmarked = [one._replace(name="") for one in tries]
        await at.comes(unmarked)
        more = estimated(at, tmp_path, project_a={"rpm": 600})
        assert more.admitted_after + more.retries == 120
        assert more.retries == said.retries


async def test_beyond_a_second_it_takes_whole_minutes_and_says_which(tmp_path: Path) -> None:
    async with recorder(tmp_path, with_project(limits={Field.RPM: 600})) as at:
        await at.comes([Coming(100_000, "a", "flash", ms=10)] * 6_000)
        now_us = at.clock.wall_us()
        ask = Ask(1, now_us, 0, {}, {}, {"project:a": {"rpm": 700}}, at.under_way)
        for ms, minutes in ((0, None), (30, 1), (50, 2), (10_000, 10)):
            with closing(records_of(tmp_path)) as records:
                foresight = Foresight(records, lambda: 0)
                foresight.read_ns = foresight.replay_ns = 10_000.0
                said = foresight.told(replace(ask, answer_by_ns=ms * 1_000_000), lambda: None)
            if minutes is None:
                assert said.why == "busy"
                continue
            assert said.estimate is not None
            assert said.estimate.minutes == minutes
            assert said.estimate.all_there_is is (minutes == 10)
            assert said.estimate.since_us % 60_000_000 == 0
            if minutes == 10:
                assert said.estimate.requests == 6_000
            assert said.estimate.admitted_before == said.estimate.admitted_really


async def test_counted_refusals_are_spread_over_their_time_at_their_mean_size(
    tmp_path: Path,
) -> None:
    async with recorder(tmp_path, with_project(limits={Field.TPM: 60_000})) as at:
        await at.comes([Coming(SECOND_US, "a", "flash", 100, 50, ms=10)] * 60)
        first_us = at.clock.wall_us()
        ((_, like),) = await at.ledger.reader.calls(last=1)
        run = like._replace(
            id="req_counted", at_us=first_us, outcome=Outcome.REFUSED, cause=Cause.TPM, count=11,
            binding="project:a:tpm", usage=NOTHING_USED, cost_nano_usd=0, total_ms=0,
            counted=Counted(first_us, first_us + SECOND_US, 1, 11 * 300 * MICRO, 600 * MICRO),
        )  # fmt: skip
        at.ledger.end_now(run)
        await at.until(first_us + 2 * SECOND_US)
        await at.ledger.flushed()
        with closing(records_of(tmp_path)) as records:
            terms = Terms(File(records.file()), {})
            shared = sharing([Subject.project("a")], records.callers(0), (terms,))
            trace = read(records, terms, shared, (first_us - 1, first_us + 2 * SECOND_US), 1.0)
        spread = [one for one in trace.requests if one.counted]
        assert [one.at_us - first_us for one in spread] == [n * 100_000 for n in range(11)]
        assert {one.size.tokens for one in spread} == {300}
        assert {one.used.input_tokens for one in spread} == {200 * 90 // 100}
        said = estimated(at, tmp_path, project_a={"tpm": 100_000})
        assert (said.requests, said.counted, said.admitted_after) == (71, 11, 71)


async def test_a_lower_priority_leaves_a_full_target_to_the_others(tmp_path: Path) -> None:
    target = Target("main/opus", "main", "opus", PRICE, limits={Field.RPM: 60})
    projects = {name: Project(name, name) for name in "ab"}
    catalogue = replace(CATALOGUE, targets={"main/opus": target}, projects=projects)
    async with recorder(tmp_path, catalogue) as at:
        await at.comes([Coming(400_000, "a", "opus"), Coming(400_000, "b", "opus")] * 100)
        said = estimated(at, tmp_path, project_a={"priority": "low"})
        assert said.admitted_after < said.admitted_before == said.admitted_really
        assert [hit.project for hit in said.hits] == ["b"]
        assert said.hits[0].admitted_after > said.hits[0].admitted_before

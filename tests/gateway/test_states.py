"""States as events make them: told second by second, under a clock that a test turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.evidence import Evidence
from quotadeck.domain.state import AT_REST, State, StateKind, Urgency
from quotadeck.domain.subject import Subject
from quotadeck.gateway.watch.state_log import unrecorded
from quotadeck.gateway.watch.states import States
from tests.gateway.values import call

SECOND_NS = 1_000_000_000
PROJECT, TARGET = Subject.project("analytics"), Subject.target("main/opus")
MODEL = Subject.model("opus")
ALL = (PROJECT, TARGET, MODEL)
FAILS = {"outcome": Outcome.UPSTREAM_ERROR, "cause": Cause.UPSTREAM_5XX}


@dataclass
class Story:
    """What happens to one project, and what is said of it after each second."""

    states: States = field(default_factory=lambda: States(unrecorded))
    now_ns: int = 1_000 * SECOND_NS
    judged: int = 0
    paused: bool = False

    def refuse(
        self, cause: Cause, gate: Subject = PROJECT, times: int = 1, wait_ms: int = 0
    ) -> None:
        for _ in range(times):
            self.states.refused(self.now_ns, PROJECT, cause, gate, wait_ms)

    def admit(self, times: int = 1) -> None:
        for _ in range(times):
            self.states.admitted(self.now_ns, ALL)
            self.end()

    def fail(self, times: int = 1) -> None:
        for _ in range(times):
            self.states.admitted(self.now_ns, ALL)
            self.end(**FAILS)

    def end(self, **how: object) -> None:
        self.states.ended(self.now_ns, call(**how), ALL)

    async def judge(self) -> State:
        async def read(subjects: Sequence[Subject]) -> Mapping[Subject, Evidence]:
            self.judged += len(subjects)
            return {one: self._reading(one) for one in subjects}

        await self.states.judge(read)
        return self.states.of(PROJECT)

    def _reading(self, subject: Subject) -> Evidence:
        tally = self.states.tally(subject)
        return Evidence(
            self.now_ns // 1_000_000,
            tally.decided(self.now_ns),
            tally.ended_lately(self.now_ns),
            paused=self.paused,
        )

    async def second(self, seconds: float = 1) -> State:
        """Let time pass; the state at its end."""
        for _ in range(int(seconds)):
            self.now_ns += SECOND_NS
            await self.judge()
        return self.states.of(PROJECT)


async def test_an_override_that_ends_takes_its_refusals_along() -> None:
    it = Story()
    it.refuse(Cause.PAUSED, MODEL, times=13)
    assert (await it.judge()).kind is StateKind.CUT_OFF
    it.states.changed([MODEL])
    state = await it.judge()
    assert (state.kind, state.cleared) == (StateKind.OK, StateKind.CUT_OFF)


async def test_a_pauses_refusals_do_not_hide_what_refuses_after_it() -> None:
    it = Story()
    it.refuse(Cause.PAUSED, times=400)
    await it.second(5)
    it.states.changed([PROJECT])
    it.admit(2)
    it.refuse(Cause.RPM, times=20)
    state = await it.judge()
    assert (state.kind, state.cause, state.count, state.asked) == (StateKind.STORM, "rpm", 20, 22)


async def test_a_change_of_another_project_or_model_forgets_nothing_here() -> None:
    it = Story()
    it.refuse(Cause.PAUSED, MODEL)
    it.states.changed([Subject.project("search"), Subject.model("flash"), Subject.key("k")])
    assert (await it.judge()).kind is StateKind.CUT_OFF


async def test_a_refusal_in_the_same_second_as_the_change_but_after_it_counts() -> None:
    it = Story()
    it.refuse(Cause.RPM)
    it.states.changed([PROJECT])
    it.refuse(Cause.RPM)
    state = await it.judge()
    assert (state.kind, state.count, state.asked) == (StateKind.THROTTLED, 1, 1)


async def test_throttled_is_over_ten_seconds_after_the_last_refusal() -> None:
    it = Story()
    for _ in range(5):
        it.admit(3)
        it.refuse(Cause.TPM)
        assert (await it.second()).kind is StateKind.THROTTLED
    kinds = []
    for _ in range(10):
        it.admit(3)
        kinds.append((await it.second()).kind)
    assert kinds == [StateKind.THROTTLED] * 8 + [StateKind.OK] * 2


async def test_who_asks_every_twenty_seconds_and_never_gets_in_is_never_ok() -> None:
    it = Story()
    kinds = set()
    for _ in range(12):
        it.refuse(Cause.RPM)
        for _ in range(20):
            kinds.add((await it.second()).kind)
        it.now_ns += 0
    assert kinds - {StateKind.OK} == {StateKind.THROTTLED}
    later = set()
    for _ in range(3):
        it.refuse(Cause.RPM)
        for _ in range(20):
            later.add((await it.second()).kind)
    assert later == {StateKind.THROTTLED}
    assert (await it.second(30)).kind is StateKind.OK, "twice its rhythm without asking"


async def test_a_storm_does_not_flip_while_its_client_wavers() -> None:
    it = Story()
    it.admit()
    it.refuse(Cause.RPM, times=24)
    seen = [(await it.second()).kind]
    for beat in range(30):
        it.admit(1 + beat % 2)
        it.refuse(Cause.RPM, times=4 + 4 * (beat % 3))
        seen.append((await it.second()).kind)
    assert set(seen) == {StateKind.STORM}
    assert (await it.second(10)).kind is StateKind.OK


async def test_the_present_reaches_back_to_the_last_ten_decisions() -> None:
    it = Story()
    it.refuse(Cause.PAUSED, MODEL, times=4)
    await it.second(60)
    it.admit(3)
    state = await it.second()
    assert (state.kind, state.count, state.asked) == (StateKind.CUT_OFF, 4, 7)
    it.admit(10)
    assert (await it.second()).kind is StateKind.OK


async def test_a_new_key_makes_what_a_revoked_one_was_refused_history() -> None:
    it = Story()
    it.refuse(Cause.KEY_REVOKED, Subject.key("old"), times=5)
    assert (await it.judge()).kind is StateKind.CUT_OFF
    it.states.keys_changed(["search"])
    assert (await it.judge()).kind is StateKind.CUT_OFF
    it.states.keys_changed(["analytics"])
    assert (await it.judge()).kind is StateKind.OK


async def test_four_of_four_failing_a_minute_apart_is_failing() -> None:
    it = Story()
    said = []
    for _ in range(4):
        it.fail()
        said.append((await it.second(90)).kind)
    assert said == [StateKind.OK, StateKind.OK, StateKind.FAILING, StateKind.FAILING]


async def test_failing_stays_in_silence_weakens_and_is_forgotten_in_an_hour() -> None:
    it = Story()
    it.fail(3)
    state = await it.second(590)
    assert (state.kind, state.urgency) == (StateKind.FAILING, Urgency.TROUBLE)
    assert (await it.second(20)).urgency is Urgency.ATTENTION
    assert (await it.second(3_000)).kind is StateKind.OK


async def test_failing_is_over_with_twenty_successes_and_one_new_failure_is_none() -> None:
    it = Story()
    for _ in range(25):
        it.fail()
        await it.second()
    for well in range(20):
        it.admit()
        assert (await it.judge()).kind is (StateKind.FAILING if well < 19 else StateKind.OK)
    it.fail()
    assert (await it.second()).kind is StateKind.OK, "what it recovered from is history"
    it.fail(2)
    assert (await it.second()).kind is StateKind.FAILING


async def test_one_in_sixteen_failing_at_speed_does_not_flip() -> None:
    it = Story()
    kinds = []
    for beat in range(60):
        it.admit(47)
        it.fail(3 if beat % 2 else 4)
        kinds.append((await it.second()).kind)
    assert set(kinds) == {StateKind.FAILING}


async def test_an_upstreams_failure_is_said_of_all_it_concerns() -> None:
    it = Story()
    it.fail(3)
    await it.judge()
    assert [it.states.of(one).kind for one in ALL] == [StateKind.FAILING] * 3
    assert [it.states.of(one).cause for one in ALL] == ["upstream_5xx"] * 3


async def test_a_targets_limit_is_said_of_the_target_too() -> None:
    it = Story()
    it.refuse(Cause.TARGET_RPM, TARGET, times=5)
    await it.judge()
    assert it.states.of(TARGET).kind is StateKind.THROTTLED
    assert (await it.judge()).who == str(TARGET)
    assert it.states.of(MODEL) == AT_REST


@pytest.mark.parametrize("how", [Cause.CLIENT_GONE, Cause.RESTART])
async def test_what_is_not_the_upstreams_fault_fails_nothing(how: Cause) -> None:
    it = Story()
    for _ in range(5):
        it.states.admitted(it.now_ns, ALL)
        it.end(outcome=Outcome.UNKNOWN, cause=how)
    assert await it.judge() == AT_REST


async def test_who_is_at_rest_is_not_judged() -> None:
    it = Story()
    it.admit()
    await it.judge()
    judged = it.judged
    await it.second(100)
    assert it.judged == judged
    it.refuse(Cause.RPM)
    await it.second(9)
    assert it.judged == judged + 9
    # Ten seconds of it and five minutes of what was cleared: then it rests again.
    await it.second(400)
    rested = it.judged
    await it.second(100)
    assert it.judged == rested


async def test_what_happens_while_others_are_judged_is_judged_next() -> None:
    it = Story()
    it.admit()

    async def read(subjects: Sequence[Subject]) -> Mapping[Subject, Evidence]:
        it.refuse(Cause.PAUSED, MODEL)
        return {one: Evidence(it.now_ns // 1_000_000) for one in subjects}

    await it.states.judge(read)
    assert (await it.judge()).kind is StateKind.CUT_OFF


async def test_a_paused_model_cuts_off_those_that_it_refuses() -> None:
    it = Story()
    it.refuse(Cause.PAUSED, MODEL)
    await it.judge()
    assert it.states.cut_off_by(MODEL, it.now_ns) == ("analytics",)
    assert it.states.cut_off_by(Subject.model("flash"), it.now_ns) == ()


async def test_failures_are_not_forgotten_behind_a_pause() -> None:
    it = Story()
    it.fail(3)
    await it.judge()
    it.paused = True
    assert (await it.judge()).kind is StateKind.PAUSED
    it.paused = False
    assert (await it.judge()).kind is StateKind.FAILING


async def test_money_that_covers_small_requests_is_known_until_the_budget_is_changed() -> None:
    it = Story()
    it.admit()
    assert it.states.tally(PROJECT).decided(it.now_ns).past_budget_ms is None
    it.refuse(Cause.BUDGET)
    it.admit()
    assert it.states.tally(PROJECT).decided(it.now_ns).past_budget_ms == 1_000_000
    it.states.changed([PROJECT])
    it.admit()
    assert it.states.tally(PROJECT).decided(it.now_ns).past_budget_ms is None

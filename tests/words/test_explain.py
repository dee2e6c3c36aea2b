"""Calls and rows in plain sentences: which limit, by how much, since when, what lifts it."""

from dataclasses import replace

import pytest

from quotadeck.domain.calls import Attempt, Call, Counted, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Field
from quotadeck.domain.gate import Gate
from quotadeck.domain.history import FoundCall
from quotadeck.domain.lifting import lift
from quotadeck.domain.needed import needed
from quotadeck.domain.series import Series
from quotadeck.domain.snapshot import AnyRow, Flow, ProjectRow, Snapshot
from quotadeck.domain.state import Held, State, StateKind, Urgency
from quotadeck.domain.subject import Subject
from quotadeck.words import say
from quotadeck.words.explain import Reader, explain_call, explain_row
from tests.tui.scenes import AT_US, NOW_MS, fire, trouble

READER = Reader(NOW_MS, AT_US, lambda us: f"T{(us - AT_US) // 60_000_000:+}")
CALL = Call(
    "req_1", AT_US, "2026-11-23", "analytics", "k_1", 2, "gpt-4.1", Outcome.REFUSED, Cause.RPM, 429
)  # fmt: skip


def _told(call: Call, *, is_own: bool = True) -> str:
    return " ".join(explain_call(FoundCall(is_own, (call,)), READER))


def _asked(a_minute: int, tokens: int = 1) -> Series:
    """An hour in which so many requests were asked for in each minute, of so many tokens each."""
    asked, zeros = (a_minute,) * 60, (0,) * 60
    of = Subject.project("analytics")
    return Series(of, asked, zeros, zeros, asked, (a_minute * tokens,) * 60, zeros)


def _project(name: str, snapshot: Snapshot) -> ProjectRow:
    return next(row for row in snapshot.projects if row.id == name)


def test_a_refusal_says_the_limit_what_was_asked_and_what_was_left() -> None:
    gate = Gate("project:analytics:tpm", 80_000, 7_104_000_000, 3_102_400_000)
    told = _told(CALL._replace(cause=Cause.TPM, gates=(gate,), wait_ms=3_001))
    assert told == (
        "It was refused at T+0 by analytics's tpm of 80,000 a minute: it asks for 7,104 tokens "
        "and 3,102 were left. It would have passed with tpm 84,002 or more. It was told to "
        "come again in 3s."
    )


def test_a_spent_budget_says_by_how_much_and_that_waiting_is_of_no_use() -> None:
    gate = Gate("project:analytics:budget", 750_000_000, 6_900_000, 3_100_000)
    told = _told(CALL._replace(cause=Cause.BUDGET, gates=(gate,)))
    assert "budget of $0.75: its dearest outcome costs $0.0069 and $0.0031 was left" in told
    assert "It would have passed with budget $0.7538 or more." in told
    assert "of no use" in told


def test_what_is_left_but_kept_for_others_is_said_to_be() -> None:
    gate = Gate("target:main/opus:rpm", 50, 1_000_000, 4_000_000)
    told = _told(CALL._replace(cause=Cause.TARGET_RPM, gates=(gate,)))
    assert "main/opus's rpm of 50: what was left of it is kept for" in told


def test_one_that_was_only_counted_says_so() -> None:
    counted = CALL._replace(count=12, counted=Counted(AT_US, AT_US, 1, 12, 1))
    assert "it is one of 12 like it" in _told(counted, is_own=False)


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.NONE])
def test_every_cause_is_worded(cause: Cause) -> None:
    for outcome in Outcome:
        told = _told(CALL._replace(cause=cause, outcome=outcome, target="main/opus"))
        assert "explain." not in told
        assert "causes." not in told
        assert "–" not in told


def test_a_call_that_moved_says_how_often_it_failed_before() -> None:
    tries = (Attempt("a/b", Cause.TIMEOUT, 0, 9), Attempt("main/opus", Cause.NONE, 200, 9))
    told = _told(CALL._replace(outcome=Outcome.OK, target="main/opus", attempts=tries))
    assert told.startswith("It was served by main/opus after 1 failed attempt, in 0ms")


def test_a_storm_says_whose_limit_and_that_more_does_not_help_alone() -> None:
    snapshot = fire()
    told = explain_row(_project("analytics", snapshot), snapshot, READER, _asked(280))
    assert told[0].startswith("analytics: storm ×14 since T-3 (2m): by its rpm, 274 of 294")
    assert told[1].startswith("analytics's rpm is 20 until T+47, by mika (“batch bug”); without")
    assert told[-1] == (
        "It would be lifted by callers that wait; rpm 20 → 324 would let all through."
    )


@pytest.mark.parametrize("kind", list(StateKind))
def test_every_state_of_every_row_is_explained_in_words(kind: StateKind) -> None:
    snapshot = fire()
    rows: list[AnyRow] = [snapshot.projects[0], snapshot.targets[0], snapshot.routes[0]]
    for row in rows:
        for cause in ("rpm", "budget", "held", "not_covered", "target_rpm", "crowded", "paused"):
            for who in (f"project:{row.id}", "target:main/gpt-4.1", "model:gpt-4.1", ""):
                state = State(kind, Urgency.TROUBLE, cause, who, 3, 9, NOW_MS - 9_000, NOW_MS)
                told = " ".join(explain_row(replace(row, state=state), snapshot, READER))
                assert "explain." not in told, told
                assert "lift." not in told, told
                assert told.startswith(row.id), told


@pytest.mark.parametrize(
    ("flow", "expected"),
    [(Flow(), 110_000), (Flow(requests_60s=20, refused_60s=51, tokens_60s=147_000), 574_035)],
)
def test_what_lifts_a_throttle_is_what_the_command_calls_needed(flow: Flow, expected: int) -> None:
    snapshot = fire()
    row = replace(
        _project("analytics", snapshot),
        flow=flow,
        state=trouble(StateKind.THROTTLED, "tpm", who="project:analytics", count=5, asked=9),
    )
    asked = _asked(10, tokens=10_000)
    told = lift(row, snapshot, asked)
    assert told is not None
    assert say(told) == f"tpm 80,000 → {expected:,}, what the last hour needed"
    assert needed(Field.TPM, asked, flow) == expected
    unknown, enough = lift(row, snapshot, None), lift(row, snapshot, _asked(0))
    assert unknown is not None
    assert unknown.kind == "lift.wait"
    assert enough is not None
    assert (enough.kind == "lift.wait") is (flow == Flow())


@pytest.mark.parametrize(("failed", "limit"), [(8, False), (4, True)])
def test_no_limit_lifts_what_is_refused_and_for_the_most_part_fails(
    failed: int, limit: bool
) -> None:
    snapshot = fire()
    fails = Held(StateKind.FAILING, Urgency.TROUBLE, "upstream_5xx", count=failed, asked=10)
    state = trouble(StateKind.STORM, "rpm", who="project:analytics", count=9, asked=9)
    row = replace(_project("analytics", snapshot), state=replace(state, others=(fails,)))
    told = lift(row, snapshot, _asked(280))
    assert told is not None
    assert ("rpm 20 → 324" in say(told)) is limit
    assert ("a higher limit lets more through that fails" in say(told)) is not limit


def test_a_model_is_as_well_as_the_target_that_serves_it() -> None:
    snapshot = fire()
    failing, forced = snapshot.routes[0], snapshot.routes[1]
    told = explain_row(failing, snapshot, READER)
    assert told[0] == "claude-opus-4.7 is served by main/claude-opus-4.7."
    assert told[1].startswith("main/claude-opus-4.7: fails 26% since T-4")
    told = explain_row(forced, snapshot, READER)
    assert told[0] == "gpt-4.1 is served by main/gemini-2.5-flash."
    assert told[1] == "Its requests go to main/gemini-2.5-flash until T+60, by mika (“batch bug”)."
    assert told[2].startswith("main/gemini-2.5-flash is well")


def test_a_failing_project_is_lifted_by_a_fallback_of_the_models_on_the_failing_target() -> None:
    snapshot = fire()
    row = replace(_project("analytics", snapshot), state=trouble(StateKind.FAILING, "upstream_429"))
    told = lift(row, snapshot)
    assert told is not None
    assert "a fallback for claude-opus-4.7" in say(told)
    alone = tuple(replace(route, targets=(route.serving,)) for route in snapshot.routes)
    nowhere = lift(row, replace(snapshot, routes=alone))
    assert nowhere is not None
    assert nowhere.facts["models"] == ()

"""Estimates learn from what calls really used, and say 256 before they know."""

from hypothesis import given
from hypothesis import strategies as st

from quotadeck.admission.estimator import FIRST_OUTPUT_TOKENS, KINDS_KEPT, Estimator


def learned(outputs: list[int], *, body_bytes: int = 350, input_tokens: int = 100) -> Estimator:
    estimator = Estimator()
    for tokens in outputs:
        estimator.learn(
            "analytics",
            "opus",
            "main/opus",
            body_bytes=body_bytes,
            input_tokens=input_tokens,
            output_tokens_a_choice=tokens,
        )
    return estimator


def test_before_any_history_output_is_256_and_input_a_token_for_three_and_a_half_bytes() -> None:
    estimator = Estimator()
    assert estimator.output_tokens("analytics", "opus") == FIRST_OUTPUT_TOKENS == 256
    assert estimator.input_tokens("main/opus", 350) == 100
    assert estimator.input_tokens("main/opus", 0) == 1


def test_output_is_the_95th_percentile_and_a_fifth() -> None:
    assert learned(list(range(1, 101))).output_tokens("analytics", "opus") == 96 * 6 // 5


def test_one_long_reply_in_a_hundred_does_not_count() -> None:
    assert learned([100] * 99 + [50_000]).output_tokens("analytics", "opus") == 120


def test_old_replies_are_forgotten() -> None:
    assert learned([5_000] * 200 + [10] * 200).output_tokens("analytics", "opus") == 12


def test_other_projects_and_models_keep_their_own() -> None:
    estimator = learned([1_000])
    assert estimator.output_tokens("analytics", "opus") == 1_200
    assert estimator.output_tokens("search", "opus") == 256
    assert estimator.output_tokens("analytics", "flash") == 256


def test_empty_replies_still_expect_a_token() -> None:
    assert learned([0] * 30).output_tokens("analytics", "opus") == 1


def test_input_follows_what_a_byte_really_costs() -> None:
    japanese = learned([10] * 200, body_bytes=100, input_tokens=50)
    assert japanese.input_tokens("main/opus", 1_000) in range(495, 501)
    assert japanese.input_tokens("main/flash", 1_000) == 286


def test_one_odd_call_moves_the_input_little() -> None:
    estimator = learned([10] * 100)
    before = estimator.input_tokens("main/opus", 10_000)
    estimator.learn(
        "analytics", "opus", "main/opus", body_bytes=100, input_tokens=100, output_tokens_a_choice=1
    )
    assert before < estimator.input_tokens("main/opus", 10_000) < before * 1.2


def test_call_without_bytes_teaches_nothing_about_input() -> None:
    assert learned([10], body_bytes=0).input_tokens("main/opus", 350) == 100


@given(st.lists(st.integers(0, 10**8), max_size=450))
def test_expected_output_is_within_what_was_seen(outputs: list[int]) -> None:
    expected = learned(outputs).output_tokens("analytics", "opus")
    recent = outputs[-220:]
    if not recent:
        assert expected == 256
    else:
        assert max(1, min(recent) * 6 // 5) <= expected <= max(1, max(recent) * 6 // 5)


def test_however_many_models_are_named_only_the_newest_are_known() -> None:
    estimator = Estimator()
    for number in range(KINDS_KEPT * 2):
        model = f"model {number}"
        estimator.learn(
            "analytics", model, model, body_bytes=8, input_tokens=4, output_tokens_a_choice=10
        )
    assert len(estimator._outputs) <= KINDS_KEPT
    assert len(estimator._tokens_per_byte) <= KINDS_KEPT
    assert estimator.output_tokens("analytics", model) == 12
    assert estimator.output_tokens("analytics", "model 0") == FIRST_OUTPUT_TOKENS

"""In the past, too, who was slow or spent fast is said to have been so, with figures of then."""

from quotadeck.domain.history import StateSpan
from quotadeck.domain.past_state import past_state
from quotadeck.domain.state import StateKind, Urgency
from quotadeck.words.states import words_of


def test_slow_and_spending_have_the_figures_with_which_they_began() -> None:
    facts = {"urgency": "attention", "who": "", "count": 9_000, "asked": 2_000}
    span = StateSpan("project:a", "slow", "p95", 1_000_000, None, facts, {})
    state = past_state([span], 61_000_000, None)
    assert (state.kind, state.urgency) == (StateKind.SLOW, Urgency.ATTENTION)
    assert words_of(state, 61_000, 61_000_000).word == "slow ×4"

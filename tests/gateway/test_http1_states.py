"""The table of a connection's states: whole, and with no way out of it that is not meant."""

import pytest

from quotadeck.gateway.connection.states import (
    ANSWERED,
    ANSWERING,
    BODY,
    CLOSED,
    EARLY,
    ENDED,
    FINISHED,
    IDLE,
    LINGERING,
    LOST,
    NEXT,
    PIECE,
    SKIPPING,
    STREAMING,
    Event,
    Impossible,
    State,
    after,
)


def reached(start: State) -> set[State]:
    """All states that can follow, one way or another."""
    found, new = {start}, [start]
    while new:
        for state in NEXT[new.pop()].values():
            if state not in found:
                found.add(state)
                new.append(state)
    return found


def test_every_state_has_its_row_and_can_be_reached() -> None:
    assert set(NEXT) == set(State)
    assert reached(IDLE) == set(State)
    assert {event for row in NEXT.values() for event in row} == set(Event)


@pytest.mark.parametrize("state", set(State) - {CLOSED})
def test_a_connection_can_be_lost_in_every_state(state: State) -> None:
    assert after(state, LOST) is CLOSED


def test_nothing_is_said_behind_the_end() -> None:
    assert reached(LINGERING) == {LINGERING, CLOSED}
    assert reached(CLOSED) == {CLOSED}


def test_the_next_request_waits_for_the_answer_and_for_the_bodys_end() -> None:
    for state in (BODY, EARLY):
        assert IDLE not in NEXT[state].values()
    assert {event for state in State for event, to in NEXT[state].items() if to is IDLE} == {
        Event.BODY_ENDED,
        ANSWERED,
        FINISHED,
    }
    assert NEXT[SKIPPING][Event.BODY_ENDED] is IDLE


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (ANSWERING, PIECE),
        (ANSWERING, FINISHED),
        (STREAMING, ANSWERED),
        (IDLE, ANSWERED),
        (SKIPPING, ANSWERED),
        (LINGERING, ENDED),
        (CLOSED, LOST),
    ],
)
def test_what_is_not_in_the_table_is_an_error(state: State, event: Event) -> None:
    with pytest.raises(Impossible, match=f"{event.name} .* {state.name}"):
        after(state, event)

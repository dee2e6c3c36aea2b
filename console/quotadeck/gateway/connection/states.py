"""The states of an HTTP/1 connection, as a table: what is not in it cannot happen.

After h11's (h11/_state.py); but one machine for both sides, for a connection answers one request at
a time and reads the next one behind its answer.
"""

from collections.abc import Mapping
from enum import IntEnum, auto
from typing import Final


class State(IntEnum):
    """Where a connection is."""

    IDLE = auto()
    """Between two requests, or before the first."""
    HEAD = auto()
    """Of a request something came, and its head is not whole."""
    BODY = auto()
    """The request is being answered; of its body more is to come, of the answer nothing went."""
    EARLY = auto()
    """The answer has begun before the body was whole."""
    ANSWERING = auto()
    """The request is whole; of its answer nothing went."""
    STREAMING = auto()
    """The request is whole; its answer has begun."""
    SKIPPING = auto()
    """The answer is whole; the rest of a body that nobody wants is read to its end."""
    LINGERING = auto()
    """Our side has ended; what still comes is dropped."""
    CLOSED = auto()
    """There is no connection any more."""


class Event(IntEnum):
    """What happens to a connection."""

    CAME = auto()
    """The first bytes of a request."""
    ASKED = auto()
    """A whole head, and a body that is to come."""
    ASKED_WHOLE = auto()
    """A whole head, with all of its body."""
    BODY_ENDED = auto()
    BEGUN = auto()
    """The first piece of an answer."""
    PIECE = auto()
    """Another piece of it, and not the last."""
    FINISHED = auto()
    """The last piece."""
    ANSWERED = auto()
    """An answer that is all in one piece."""
    ENDED = auto()
    """Our side has nothing more to say."""
    LOST = auto()


IDLE, HEAD, BODY, EARLY, ANSWERING, STREAMING, SKIPPING, LINGERING, CLOSED = State
CAME, ASKED, ASKED_WHOLE, BODY_ENDED, BEGUN, PIECE, FINISHED, ANSWERED, ENDED, LOST = Event
# Names of their own, for a member is looked up slowly in Python 3.11.

_ENDS: Final = {ENDED: LINGERING, LOST: CLOSED}
NEXT: Final[Mapping[State, Mapping[Event, State]]] = {
    IDLE: {CAME: HEAD, **_ENDS},
    HEAD: {ASKED: BODY, ASKED_WHOLE: ANSWERING, **_ENDS},
    BODY: {BODY_ENDED: ANSWERING, BEGUN: EARLY, ANSWERED: SKIPPING, **_ENDS},
    EARLY: {BODY_ENDED: STREAMING, PIECE: EARLY, FINISHED: SKIPPING, **_ENDS},
    ANSWERING: {BEGUN: STREAMING, ANSWERED: IDLE, **_ENDS},
    STREAMING: {PIECE: STREAMING, FINISHED: IDLE, **_ENDS},
    SKIPPING: {BODY_ENDED: IDLE, **_ENDS},
    LINGERING: {LOST: CLOSED},
    CLOSED: {},
}


class Impossible(Exception):
    """A fault of ours: this cannot happen to a connection in such a state."""


def after(state: State, event: Event) -> State:
    """The state that follows. Raises Impossible."""
    try:
        return NEXT[state][event]
    except KeyError:
        raise Impossible(f"{event.name} of a connection that is {state.name}") from None

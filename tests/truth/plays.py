"""What is played: a scene told fast, and what an operator does in it. A row more is a play more."""

from typing import Final, NamedTuple

from quotadeck.domain.commands import Action, Field
from quotadeck.domain.money import NANO_PER_USD
from tests.truth.played import Hand


class Play(NamedTuple):
    """``pace`` of the scene's time; the hands' times are real seconds after the first call."""

    scene: str
    pace: float
    hands: tuple[Hand, ...] = ()


# A paused model, a pause that ends while the client storms on: what a night console said wrong.
STORM: Final = Play(
    "retry-storm",
    0.13,
    (
        Hand(4, Action.PAUSE, "model:gpt-4.1", Field.PAUSED, True),
        Hand(8, Action.RESUME, "model:gpt-4.1"),
        Hand(9, Action.PAUSE, "project:batch-embed", Field.PAUSED, True),
        Hand(11, Action.RESUME, "project:batch-embed"),
    ),
)

PLAYS: Final = (
    Play("mix", 0.4),
    Play(
        "budget-burn",
        0.5,
        (
            Hand(78, Action.LIMIT, "project:checkout", Field.BUDGET, 4 * NANO_PER_USD),
            Hand(94, Action.LIMIT, "project:checkout", Field.BUDGET, NANO_PER_USD),
        ),
    ),
    Play(
        "upstream-down",
        0.5,
        (Hand(35, Action.FALLBACK, "model:gpt-4.1", Field.TARGET, "sim/gemini-2.5-flash"),),
    ),
    Play("upstream-down", 0.4),
    Play("retry-storm", 0.5),
    Play(
        "noisy-neighbour",
        0.5,
        (
            Hand(45, Action.PAUSE, "project:analytics", Field.PAUSED, True),
            Hand(55, Action.RESUME, "project:analytics"),
        ),
    ),
    Play("key-leak", 0.5),
)

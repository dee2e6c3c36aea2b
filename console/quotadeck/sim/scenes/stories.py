"""The scenes, each a row. Every one but the mix begins calm, with the same six projects."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from quotadeck.sim.characters import CAST, Character
from quotadeck.sim.scenes.scene import (
    Fault,
    Revoke,
    Scene,
    Stranger,
    Turn,
    Wrong,
    one_after_the_other,
)

_CALM: Final[Mapping[str, Mapping[str, Any]]] = {
    "analytics": {"per_s": 0.1, "prompt_bytes": 6_000, "max_tokens": 400, "grows_to": 1.0},
    "content-gen": {"per_s": 0.3},
    "search": {"per_s": 5.0},
    "support-chat": {"per_s": 1.5},
    "batch-embed": {"per_s": 0.4, "storm_tries": 0},
    "checkout": {"per_s": 0.5},
}
_ROOM: Final[Mapping[str, Mapping[str, Any]]] = {
    "analytics": {"rpm": 300, "tpm": 2_000_000},
    "content-gen": {"rpm": 90, "tpm": 300_000},
    "checkout": {"rpm": 300, "tpm": 600_000, "daily_budget_usd": "25.00"},
}
"""Limits that the stories want otherwise than the mix does."""


def _calm(one: Character) -> Character:
    return replace(one, habit=replace(one.habit, **_CALM[one.id]), **_ROOM.get(one.id, {}))


CALM: Final = tuple(_calm(one) for one in CAST)


def _wrong(subject: str, words: str, from_s: float, until_s: float | None) -> Wrong:
    return Wrong(subject, frozenset(words.split()), from_s, until_s)


MIX: Final = Scene(
    # A storm within half a minute, an outage that heals, a budget that ends: there is something to
    # see for whoever looks in for two minutes.
    name="mix",
    cast=tuple(
        replace(one, habit=replace(one.habit, per_s=4.0)) if one.id == "batch-embed" else one
        for one in CAST
    ),
    ends_s=240,
    steps=(Fault(90, "claude-opus-4.7", "status", 503, seconds=50),),
    wrong=(
        _wrong("project:batch-embed", "storm", 15, None),
        _wrong("target:sim/claude-opus-4.7", "failing", 90, 140),
    ),
)

BUDGET_BURN: Final = Scene(
    # A release sends the whole cart with every request: four times as dear, nothing fails, and the
    # day's money is gone in two minutes. It is rolled back; the money stays gone until midnight.
    name="budget-burn",
    cast=CALM,
    ends_s=200,
    steps=(
        Turn(15, "checkout", {"prompt_bytes": 8_000, "per_s": 1.6}),
        Turn(170, "checkout"),
    ),
    money={"checkout": 2.75},
    wrong=(_wrong("project:checkout", "throttled spent", 130, None),),
)

UPSTREAM_DOWN: Final = Scene(
    # A provider slows down, then answers nothing but 503, and comes back.
    name="upstream-down",
    cast=CALM,
    ends_s=180,
    steps=(
        Fault(20, "gpt-4.1", "slow", 3, seconds=20),
        Fault(40, "gpt-4.1", "status", 503, seconds=70),
    ),
    wrong=(
        _wrong("target:sim/gpt-4.1", "failing", 40, 110),
        _wrong("project:support-chat", "failing", 40, 110),
        _wrong("project:checkout", "failing", 40, 110),
    ),
)

RETRY_STORM: Final = Scene(
    # A client's loop loses its back-off: each refusal is asked again at once, seven times.
    name="retry-storm",
    cast=CALM,
    ends_s=150,
    steps=(
        Turn(10, "batch-embed", {"per_s": 6.0, "storm_tries": 7}),
        Turn(110, "batch-embed"),
    ),
    wrong=(_wrong("project:batch-embed", "storm", 24, 110),),
)

NOISY_NEIGHBOUR: Final = Scene(
    # A batch takes a model that two teams share: the other one is refused through no doing of its.
    name="noisy-neighbour",
    cast=CALM,
    ends_s=180,
    steps=(
        Turn(15, "content-gen", {"models": (("gpt-4.1", 1), ("claude-opus-4.7", 2)), "per_s": 0.6}),
        Turn(
            20,
            "analytics",
            {"per_s": 5.0, "prompt_bytes": 14_000, "models": (("claude-opus-4.7", 1),),
             "in_flight": 48},
        ),
        Turn(130, "analytics"),
        Turn(130, "content-gen"),
    ),
    wrong=(
        _wrong("target:sim/claude-opus-4.7", "throttled storm", 25, 130),
        _wrong("project:analytics", "throttled storm", 25, 130),
        _wrong("project:content-gen", "throttled", 25, 130),
    ),
)  # fmt: skip

KEY_LEAK: Final = Scene(
    # A key that was in a public repository: strangers spend with it beside the real callers, until
    # it is revoked; then they knock on for a while.
    name="key-leak",
    cast=CALM,
    ends_s=180,
    steps=(
        Turn(20, "leaked", {"per_s": 18.0, "prompt_bytes": 4_000, "max_tokens": 200}),
        Revoke(110, "leaked", "found in a public repository"),
        Turn(150, "leaked"),
    ),
    strangers=(Stranger("leaked", "search"),),
    wrong=(
        _wrong("project:search", "near throttled storm", 60, 110),
        _wrong("project:search", "rejected", 115, 150),
    ),
)

_STORIES: Final = (BUDGET_BURN, UPSTREAM_DOWN, RETRY_STORM, NOISY_NEIGHBOUR, KEY_LEAK)

_ALL: Final = replace(
    # The budget's last: its money does not come back, and the calm before it takes some of it.
    one_after_the_other("all", (*_STORIES[1:], BUDGET_BURN)),
    money={"checkout": 4.5},
)

SCENES: Final = {scene.name: scene for scene in (MIX, *_STORIES, _ALL)}
"""By name; ``mix`` is what a demo plays that was asked for none."""

"""Faults that lie about usage: the log keeps the truth."""

from collections.abc import Callable
from typing import Any

from quotadeck.sim.faults.kind import Kind
from quotadeck.sim.pieces import Usage

Lie = Callable[[dict[str, Any], float], Usage]

COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens")
"""Of every form; each has some of them."""


def _each(change: Callable[[int, float], object]) -> Lie:
    def lie(usage: dict[str, Any], value: float) -> Usage:
        return Usage(usage | {name: change(usage[name], value) for name in COUNTS if name in usage})

    return lie


USAGES: dict[str, Kind[Lie]] = {
    "usage-missing": Kind(lambda _, __: Usage(None, present=False), "no usage at all"),
    "usage-null": Kind(lambda _, __: Usage(None), "usage is null, also in its own chunk"),
    "usage-negative": Kind(_each(lambda count, _: -count), "negative counts"),
    "usage-huge": Kind(_each(lambda _, value: int(value)), "every count is this", 2**62),
    "usage-float": Kind(_each(lambda count, value: count + value), "counts with a fraction", 0.5),
    "usage-string": Kind(_each(lambda count, _: str(count)), "counts as strings"),
    "usage-on-finish": Kind(
        lambda usage, _: Usage(usage, on_finish=True),
        "in a stream usage stands on the finish chunk, with none of its own",
    ),
}

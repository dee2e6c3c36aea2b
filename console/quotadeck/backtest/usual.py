"""What a kind of request usually takes, for those of which the records do not tell it.

A kind is a project's requests to a model. What was refused never told what it would have used:
its estimate is scaled by what others of its kind used of theirs.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from quotadeck.admission.size import Size
from quotadeck.backtest.asked import Request
from quotadeck.domain.rules import Used


class Usual(NamedTuple):
    """Sums over ``served`` requests that were served."""

    served: int = 0
    estimated_input: int = 0
    estimated_output: int = 0
    held_nano: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nano: int = 0
    took_ms: int = 0

    @property
    def size(self) -> Size:
        """The mean of what was asked for."""
        n = max(1, self.served)
        asked = self.estimated_input, self.estimated_output, self.held_nano
        return Size(asked[0] // n, asked[1] // n, asked[2] // n, True)

    def used(self, size: Size) -> Used:
        """What one of such a size would have used; all of it where none was served."""
        return Used(
            _scaled(size.input_tokens, self.input_tokens, self.estimated_input),
            _scaled(size.output_tokens, self.output_tokens, self.estimated_output),
            _scaled(size.bound_nano, self.cost_nano, self.held_nano),
        )

    @property
    def took_us(self) -> int:
        return self.took_ms * 1_000 // self.served if self.served else _UNKNOWN_US


_UNKNOWN_US = 1_000_000
"""How long a request takes of which none was ever seen."""

Kind = tuple[str, str]


def usual_of(kinds: Collection[Kind], requests: Iterable[Request]) -> dict[Kind, Usual]:
    """Of the requests that were served, by kind."""
    sums: dict[Kind, list[int]] = {kind: [0] * len(Usual._fields) for kind in kinds}
    for one in requests:
        known = sums.get((one.project, one.model))
        if known is None or one.failed:
            continue
        figures = (1, *one.size[:3], *one.used, one.took_us // 1_000)
        for at, figure in enumerate(figures):
            known[at] += figure
    return {kind: Usual(*known) for kind, known in sums.items()}


def _scaled(asked: int, used: int, asked_in_all: int) -> int:
    return asked * used // asked_in_all if asked_in_all else asked

"""What a request will likely use, learned from what its kind used before.

Input: tokens per byte of the body, a moving average per served model. Output: the 95th percentile
of the last replies of the project to the model, with a fifth added; 256 before there are any.
"""

from dataclasses import dataclass, field
from typing import Any

FIRST_TOKENS_PER_BYTE = 1 / 3.5
LEAST_TOKENS_PER_BYTE = 1 / 8
"""A low estimate: prose compresses to no fewer tokens than this."""
FIRST_OUTPUT_TOKENS = 256
_WEIGHT = 0.05
_REMEMBERED = 200
KINDS_KEPT = 4_000
"""Models, and pairs of a project and a model: whoever asks names them."""
_REFRESH_EVERY = 20


@dataclass(slots=True)
class _Outputs:
    seen: list[int] = field(default_factory=list)
    since_refresh: int = 0
    p95: int = FIRST_OUTPUT_TOKENS

    def learn(self, tokens: int) -> None:
        self.seen.append(tokens)
        if len(self.seen) > _REMEMBERED:
            del self.seen[0]
        self.since_refresh += 1
        if self.since_refresh >= _REFRESH_EVERY or len(self.seen) <= _REFRESH_EVERY:
            self.since_refresh = 0
            ordered = sorted(self.seen)
            self.p95 = ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)]


class Estimator:
    """Learns in memory; after a restart it starts from the defaults and learns again."""

    def __init__(self) -> None:
        self._tokens_per_byte: dict[str, float] = {}
        self._outputs: dict[tuple[str, str], _Outputs] = {}

    def input_tokens(self, served_model: str, body_bytes: int) -> int:
        """Likely input tokens of a body, at least 1."""
        ratio = self._tokens_per_byte.get(served_model, FIRST_TOKENS_PER_BYTE)
        return max(1, round(body_bytes * ratio))

    def output_tokens(self, project: str, model: str) -> int:
        """Likely most output tokens of one choice."""
        known = self._outputs.get((project, model))
        return max(1, known.p95 * 6 // 5) if known and known.seen else FIRST_OUTPUT_TOKENS

    def learn(
        self,
        project: str,
        model: str,
        served_model: str,
        *,
        body_bytes: int,
        input_tokens: int,
        output_tokens_a_choice: int,
    ) -> None:
        """Take in what a call really used."""
        if body_bytes > 0:
            ratio = input_tokens / body_bytes
            before = self._tokens_per_byte.get(served_model)
            if before is None:
                _make_room(self._tokens_per_byte)
                before = FIRST_TOKENS_PER_BYTE
            self._tokens_per_byte[served_model] = before + _WEIGHT * (ratio - before)
        outputs = self._outputs.get((project, model))
        if outputs is None:
            _make_room(self._outputs)
            outputs = self._outputs[project, model] = _Outputs()
        outputs.learn(output_tokens_a_choice)


def _make_room(known: dict[Any, Any]) -> None:
    """Forget the half that was named first, where there are as many as are kept.

    Threads may do this at once: each step is one of the dict's own.
    """
    if len(known) >= KINDS_KEPT:
        for kind in list(known)[: KINDS_KEPT // 2]:
            known.pop(kind, None)

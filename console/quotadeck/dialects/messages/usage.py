"""What Anthropic says a message used, read with distrust.

Its rules: the input is told without what its caches gave and took; the counts of a stream are
cumulative; what was thought is of the output. What was summed up on the way, and what other models
said to it, stands in ``iterations`` alone and is billed beside the sums, each at its own model's
prices.
Source: "Message" of Anthropic's API reference; `usage` of its official SDK's types.
"""

from typing import Any, Final

from quotadeck.dialects.cost import dearer
from quotadeck.dialects.counts import count, most, part
from quotadeck.domain.text import clean
from quotadeck.domain.tiers import FIELDS, stated
from quotadeck.domain.usage import Usage

_IN_THE_SUMS: Final = "message"
"""The type of the iterations that are; "compaction", "advisor_message", "fallback_message" are
beside them."""
_MOST_ITERATIONS: Final = 1_000
_TIER_CHARS: Final = 40
_MODEL_CHARS: Final = 200
_FRESH, _READ, _WRITTEN, _SAID = (
    "input_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "output_tokens",
)
_COUNTS: Final = (_FRESH, _READ, _WRITTEN, _SAID)


class _Sums:
    """The greatest of each count that was told."""

    __slots__ = ("counts", "hour", "model")

    def __init__(self) -> None:
        self.counts = dict.fromkeys(_COUNTS, 0)
        self.hour = 0
        self.model = ""
        """Whose they are; empty for the one that was asked."""

    def see(self, told: dict[str, Any]) -> None:
        counts = self.counts
        for name in _COUNTS:
            counts[name] = max(counts[name], count(told, name) or 0)
        if "cache_creation" in told:
            kept = part(told, "cache_creation")
            hour = most(kept, ("ephemeral_1h_input_tokens",))
            self.hour = max(self.hour, hour)
            written = hour + most(kept, ("ephemeral_5m_input_tokens",))
            counts[_WRITTEN] = max(counts[_WRITTEN], written)


class UsageReader:
    """Learns a message's usage from the usage objects of its reply or its stream's events."""

    __slots__ = (
        *("_beside", "_cost_nano", "_odd", "_searches", "_sums", "_thought", "_tier"),
        *("ended", "seen"),
    )

    def __init__(self) -> None:
        self.seen = False
        self._odd = False
        """A count was told that cannot be: what stands beside it is no bill either."""
        self.ended = False
        """What was told last is what came to be."""
        self._sums = _Sums()
        self._beside: list[_Sums] = []
        self._searches = self._thought = 0
        self._tier: dict[str, str] = {}
        self._cost_nano: int | None = None

    def see(self, told: Any) -> None:
        """Learn from a usage object."""
        if not isinstance(told, dict):
            return
        self.seen = self.seen or count(told, _SAID) is not None
        for name in _COUNTS:
            if told.get(name) is not None and count(told, name) is None:
                self._odd = True
        self._sums.see(told)
        thought = most(part(told, "output_tokens_details"), ("thinking_tokens",))
        self._thought = max(self._thought, thought)
        searches = most(part(told, "server_tool_use"), ("web_search_requests",))
        self._searches = max(self._searches, searches)
        self._cost_nano = dearer(self._cost_nano, told)
        iterations = told.get("iterations")
        if isinstance(iterations, list):
            self._see_each(iterations)
        for field in FIELDS:
            value = told.get(field)
            if value and isinstance(value, str):
                self._tier[field] = stated(field, clean(value, _TIER_CHARS).strip().lower())

    def _see_each(self, iterations: list[Any]) -> None:
        beside = [
            one
            for one in iterations[:_MOST_ITERATIONS]
            if isinstance(one, dict) and one.get("type") != _IN_THE_SUMS
        ]
        for at, one in enumerate(beside):
            if at == len(self._beside):
                self._beside.append(_Sums())
            self._beside[at].see(one)
            model = one.get("model")
            if isinstance(model, str) and model:
                self._beside[at].model = clean(model, _MODEL_CHARS)

    def usage(self, *, delivered: bool) -> Usage | None:
        """None where none came that can be: tokens were ``delivered``, and none were used."""
        if not self.seen or self._odd or (delivered and not self._sums.counts[_SAID]):
            return None
        tier = "+".join(filter(None, (self._tier.get(field, "") for field in FIELDS)))
        usage = _summed((self._sums, *(one for one in self._beside if not one.model)), tier)
        return usage._replace(
            reasoning_tokens=min(self._thought, usage.output_tokens),
            web_searches=self._searches,
            stated_nano=self._cost_nano,
            beside=tuple((one.model, _summed((one,), tier)) for one in self._beside if one.model),
        )


def _summed(all_of: tuple[_Sums, ...], tier: str) -> Usage:
    fresh, read, written, said = (sum(one.counts[name] for one in all_of) for name in _COUNTS)
    hour = sum(min(one.hour, one.counts[_WRITTEN]) for one in all_of)
    return Usage(fresh + read + written, read, said, written, hour, tier=tier)

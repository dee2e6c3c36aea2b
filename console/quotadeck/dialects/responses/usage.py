"""What OpenAI's Responses say that they used, read with distrust.

Source: "The response object" of OpenAI's API reference.
"""

from collections.abc import Iterator
from typing import Any, Final

from quotadeck.dialects.cost import dearer
from quotadeck.dialects.counts import count, most, part
from quotadeck.domain.tiers import (
    CACHE_12H,
    CODE,
    FILE_SEARCH,
    IMAGES,
    SERVICE,
    stated,
    with_beside,
)
from quotadeck.domain.usage import Usage

_SEARCH: Final = "web_search_call"
_BESIDE: Final = {
    "image_generation_call": IMAGES,
    "file_search_call": FILE_SEARCH,
    "code_interpreter_call": CODE,
}
"""Items that are billed beside the tokens, in no count of the usage."""


class UsageReader:
    """Learns a response's usage; of each figure the greatest counts."""

    __slots__ = (
        *("_cached", "_input", "_output", "_reasoning", "_tier", "_total", "_write", "_write_long"),
        *("_beside", "_cost_nano", "searched", "seen"),
    )

    def __init__(self) -> None:
        self.seen = False
        self._input = self._output = self._total = 0
        self._cached = self._write = self._write_long = self._reasoning = 0
        self._tier = ""
        self._beside: set[str] = set()
        self._cost_nano: int | None = None
        self.searched: int | None = None  # as it is billed, where it is told

    def see(self, response: dict[str, Any]) -> None:
        """Learn from a response object, whole or as far as it has come."""
        served = response.get("service_tier")
        if isinstance(served, str) and served:
            self._tier = stated(SERVICE, served.strip().lower())
        self._beside |= beside_in(response)
        made = part(part(response, "tool_usage"), "image_gen")
        if most(made, ("input_tokens", "output_tokens", "total_tokens")):
            self._beside.add(IMAGES)
        told = part(response, "usage")
        given, said = count(told, "input_tokens"), count(told, "output_tokens")
        if given is None or said is None:
            return
        self.seen = True
        self._cost_nano = dearer(self._cost_nano, told)
        self._input, self._output = max(self._input, given), max(self._output, said)
        self._total = max(self._total, count(told, "total_tokens") or 0)
        searched = count(part(part(response, "tool_usage"), "web_search"), "num_requests")
        if searched is None and "num_sources_used" in told:  # xAI
            searched = count(told, "num_sources_used")
        if searched is not None:
            self.searched = max(self.searched or 0, searched)
        details = part(told, "input_tokens_details")
        cached = most(details, ("cached_tokens",))
        if cached <= given:
            self._cached = max(self._cached, cached)
        write = most(details, ("cache_write_tokens", "cache_creation_tokens"))
        if cached + write <= given:
            self._write = max(self._write, write)
            long = most(part(details, "cache_write_tokens_details"), ("ttl_12h_tokens",))
            self._write_long = max(self._write_long, long)
        thought = most(part(told, "output_tokens_details"), ("reasoning_tokens",))
        self._reasoning = max(self._reasoning, thought)

    def usage(self, *, delivered: bool, searches: int = 0) -> Usage | None:
        """None where none came that can be: tokens were ``delivered``, and none were used."""
        output = max(self._output, self._total - self._input)
        if not self.seen or (delivered and not output):
            return None
        write = min(self._write, self._input - self._cached)
        return Usage(
            self._input,
            self._cached,
            output,
            cache_write_tokens=write,
            cache_write_1h_tokens=min(self._write_long, write),
            reasoning_tokens=min(self._reasoning, output),
            web_searches=searches if self.searched is None else self.searched,
            stated_nano=self._cost_nano,
            tier=with_beside(self._tier, (*self._beside, CACHE_12H if self._write_long else "")),
        )


def searches_in(response: dict[str, Any]) -> int:
    """How often the web was searched for it, which is charged by the call."""
    return sum(1 for item in items_of(response) if item.get("type") == _SEARCH)


def beside_in(response: dict[str, Any]) -> set[str]:
    """What its items say was used beside the counts."""
    kinds = [item.get("type") for item in items_of(response)]
    return {_BESIDE[kind] for kind in kinds if isinstance(kind, str) and kind in _BESIDE}


def items_of(response: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The items of its output."""
    output = response.get("output")
    return (
        (item for item in output if isinstance(item, dict))
        if isinstance(output, list)
        else iter(())
    )

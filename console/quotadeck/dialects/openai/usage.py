"""What the upstream says a call used, read with distrust."""

from collections.abc import Iterator
from typing import Any

from quotadeck.dialects.cost import dearer
from quotadeck.dialects.counts import count, most, part
from quotadeck.domain.tiers import AUDIO, SERVICE, stated, with_beside
from quotadeck.domain.usage import Usage

_PROMPT_DETAILS, _COMPLETION_DETAILS = "prompt_tokens_details", "completion_tokens_details"
_CACHED = ("cached_tokens",)
_CACHED_ON_TOP = (
    "cached_tokens",  # Moonshot
    "prompt_cache_hit_tokens",  # DeepSeek
    "cache_read_input_tokens",  # LiteLLM
)
_CACHE_WRITE = ("cache_write_tokens", "cache_creation_tokens")  # the second is LiteLLM's
_CACHE_WRITE_ON_TOP = ("cache_write_tokens", "cache_creation_input_tokens")
_INPUT = ("prompt_tokens", "input_tokens")  # the seconds as in OpenAI's other forms
_OUTPUT = ("completion_tokens", "output_tokens")
_SEARCHES = ("num_search_queries", "num_sources_used")  # Perplexity, xAI
_SERVED = ("web_search_requests",)  # OpenRouter
_SOUND = ("audio_tokens",)


class UsageReader:
    """Learns a call's usage from the usage objects of its reply.

    Of each figure the greatest counts: streams begin with zeros, count upwards, and some end with
    zeros again.
    """

    __slots__ = (
        *("_cached", "_completion", "_cost_nano", "_prompt", "_reasoning", "_searches"),
        *("_sound", "_tier", "_total", "_write", "_write_1h", "seen", "served"),
    )

    def __init__(self) -> None:
        self.seen = False
        self.served = False  # whether it was said in which tier
        self._prompt = self._completion = self._total = 0
        self._reasoning = self._cached = self._write = self._write_1h = self._searches = 0
        self._cost_nano: int | None = None
        self._tier = ""
        self._sound = False

    def see(self, reply: dict[str, Any]) -> None:
        """Learn from a whole reply, or from an event of a stream."""
        served = reply.get("service_tier")
        if served and isinstance(served, str):
            self.served = True
            self._tier = stated(SERVICE, served.strip().lower())
        for told in _usages(reply):
            self._see(told)

    def _see(self, told: dict[str, Any]) -> None:
        prompt, completion = _either(told, _INPUT), _either(told, _OUTPUT)
        if prompt is None or completion is None:
            return
        self.seen = True
        self._prompt = max(self._prompt, prompt)
        self._completion = max(self._completion, completion)
        self._total = max(self._total, count(told, "total_tokens") or 0)
        searches = max(most(told, _SEARCHES), most(part(told, "server_tool_use"), _SERVED))
        self._searches = max(self._searches, searches)
        self._cost_nano = dearer(self._cost_nano, told)
        details = part(told, _COMPLETION_DETAILS)
        self._reasoning = max(self._reasoning, most(details, ("reasoning_tokens",)))
        heard = most(details, _SOUND)
        details = part(told, _PROMPT_DETAILS)
        self._sound = self._sound or heard > 0 or most(details, _SOUND) > 0
        cached = max(most(details, _CACHED), most(told, _CACHED_ON_TOP))
        if cached <= prompt:
            self._cached = max(self._cached, cached)
        write = max(most(details, _CACHE_WRITE), most(told, _CACHE_WRITE_ON_TOP))
        if write and cached + write <= prompt:
            self._write = max(self._write, write)
            self._write_1h = max(self._write_1h, _hour_long(told))

    def usage(self, *, delivered: bool) -> Usage | None:
        """None where none came that can be: tokens were ``delivered``, and none were used."""
        output = self._output()
        if not self.seen or (delivered and not output):
            return None
        write = min(self._write, self._prompt - self._cached)
        return Usage(
            self._prompt,
            self._cached,
            output,
            cache_write_tokens=write,
            cache_write_1h_tokens=min(self._write_1h, write),
            reasoning_tokens=min(self._reasoning, output),
            web_searches=self._searches,
            tier=with_beside(self._tier, (AUDIO,)) if self._sound else self._tier,
            stated_nano=self._cost_nano,
        )

    def _output(self) -> int:
        """Completion tokens, and the reasoning where a provider counts it beside them.

        The total says so; where there is none, the reasoning that is more than all of them.
        """
        if not self._total and self._reasoning > self._completion:
            return self._completion + self._reasoning
        return max(self._completion, self._total - self._prompt)


def embedded(reply: dict[str, Any]) -> Usage | None:
    """The usage of embeddings, which have an input alone; None where it cannot be believed."""
    stated = part(reply, "usage")
    tokens = max(count(stated, name) or 0 for name in ("prompt_tokens", "total_tokens"))
    return Usage(tokens) if tokens else None


def delivers(message: Any) -> bool:
    """Whether a choice's message or delta says anything: text, reasoning, a call of a tool."""
    if not isinstance(message, dict):
        return False
    return bool(message.get("content")) or any(
        value for name, value in message.items() if name != "role"
    )


def _usages(reply: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Where usage objects stand: at the top, in a choice (Moonshot), beside it (Groq)."""
    places = [reply, reply.get("x_groq")]
    choices = reply.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict):
            places += (choice, choice.get("delta"), choice.get("message"))
    for place in places:
        if isinstance(place, dict) and isinstance(place.get("usage"), dict):
            yield place["usage"]


def _hour_long(stated: dict[str, Any]) -> int:
    """What was written to a cache for an hour: as Anthropic tells it, and as LiteLLM passes it."""
    details = part(part(stated, _PROMPT_DETAILS), "cache_creation_token_details")
    places = part(stated, "cache_creation"), details
    return max(count(place, "ephemeral_1h_input_tokens") or 0 for place in places)


def _either(stated: dict[str, Any], names: tuple[str, str]) -> int | None:
    """The greater of the believable numbers under both names; None where there is none."""
    first, second = count(stated, names[0]), count(stated, names[1])
    return first if second is None else second if first is None else max(first, second)

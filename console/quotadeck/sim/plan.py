"""What a call will be answered, drawn before it is answered from the seed and the request.

The same seed and the same content give the same words, tokens and delays, streamed or not.
"""

import hashlib
import math
from dataclasses import dataclass
from statistics import NormalDist

from quotadeck.sim.ask import Ask
from quotadeck.sim.words import pieces

OUTPUT_SIGMA = 0.8
"""Of the log-normal output length: the 95th percentile is 3.7 medians, the 99.9th twelve."""
FIRST_TOKEN_SIGMA = 0.35
PACE_SIGMA = 0.2
CACHE_FROM_TOKENS = 1024
CACHE_STEP_TOKENS = 128
"""OpenAI caches prompts of 1,024 tokens and more, in steps of 128."""

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the replies asked for: its tokens, and why it ends."""

    tokens: tuple[str, ...]
    finish_reason: str

    @property
    def text(self) -> str:
        """The whole reply."""
        return "".join(self.tokens)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about the reply that the caller can see."""

    prompt_tokens: int
    cached_tokens: int
    choices: tuple[Choice, ...]
    first_token_s: float
    per_token_s: float

    @property
    def completion_tokens(self) -> int:
        """Tokens of all choices together."""
        return sum(len(choice.tokens) for choice in self.choices)


def draw(seed: int, ask: Ask, speed: float) -> Plan:
    """Decide on a reply.

    Args:
        seed: Of the simulator.
        ask: What was asked for.
        speed: Multiplies every delay; 0 means none.
    """
    root = hashlib.blake2b(ask.content, digest_size=32, key=str(seed).encode()).digest()
    first, pace, cache = (_unit(root, 8 * at) for at in range(3))
    model = ask.model
    return Plan(
        prompt_tokens=ask.prompt_tokens,
        cached_tokens=_cached(ask.prompt_tokens, cache),
        choices=tuple(_choice(root, index, ask) for index in range(ask.n)),
        first_token_s=speed * _log_normal(first, model.first_token_ms / 1000, FIRST_TOKEN_SIGMA),
        per_token_s=speed * _log_normal(pace, 1 / model.tokens_per_s, PACE_SIGMA),
    )


def _choice(root: bytes, index: int, ask: Ask) -> Choice:
    own = hashlib.blake2b(root, digest_size=24, salt=index.to_bytes(4, "big")).digest()
    length = max(1, round(_log_normal(_unit(own, 0), ask.model.median_output_tokens, OUTPUT_SIGMA)))
    finish = "stop"
    if length > ask.max_tokens:
        length, finish = ask.max_tokens, "length"
    words = pieces(int.from_bytes(own[8:16], "big"), int.from_bytes(own[16:24], "big"), length)
    stopped = _stopped(words, ask.stop)
    return Choice(words, finish) if stopped is None else Choice(stopped, "stop")


def _stopped(words: tuple[str, ...], stops: tuple[str, ...]) -> tuple[str, ...] | None:
    """The tokens before the first stop sequence; the sequence itself is never returned."""
    text = "".join(words)
    found = [at for stop in stops if (at := text.find(stop)) >= 0]
    if not found:
        return None
    kept, room = [], min(found)
    for word in words:
        if room <= 0:
            break
        kept.append(word[:room])
        room -= len(word)
    return tuple(kept)


def _cached(prompt_tokens: int, share: float) -> int:
    if prompt_tokens < CACHE_FROM_TOKENS:
        return 0
    return int(prompt_tokens * share) // CACHE_STEP_TOKENS * CACHE_STEP_TOKENS


def _log_normal(unit: float, median: float, sigma: float) -> float:
    return median * math.exp(sigma * _NORMAL.inv_cdf(unit))


def _unit(digest: bytes, at: int) -> float:
    """Eight bytes as a number strictly between 0 and 1, as `inv_cdf` wants it."""
    return ((int.from_bytes(digest[at : at + 8], "big") >> 11) + 0.5) / 2**53

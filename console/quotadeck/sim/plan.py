"""What a call will be answered, drawn before it is answered from the seed and the request.

The same seed and the same content give the same words, tokens and delays, streamed or not.
"""

import hashlib
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import orjson

from quotadeck.sim.ask import Ask
from quotadeck.sim.catalogue import Model
from quotadeck.sim.prices import Spent
from quotadeck.sim.schemas import satisfying
from quotadeck.sim.words import pieces

OUTPUT_SIGMA = 0.8
"""Of the log-normal output length: the 95th percentile is 3.7 medians, the 99.9th twelve."""
FIRST_TOKEN_SIGMA = 0.35
PACE_SIGMA = 0.2
CACHE_FROM_TOKENS = 1024
CACHE_STEP_TOKENS = 128
"""OpenAI caches prompts of 1,024 tokens and more, in steps of 128."""

CALLS = 0.5
"""So often an answer that may call a function does."""
CACHE_READ = 0.5
"""So often what is marked to be cached was there already."""
SEARCHES_MOST = 3
JSON_TOKEN = 4
"""So many characters of JSON are a token."""
OPEN_KEYS = frozenset({"type", "properties", "title", "description", "$schema"})
"""A schema with nothing beside leaves it open what its object holds."""
TIER_WORDS = ("priority", "flex", "batch", "fast", "us")
"""In the order in which a tier is told."""

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the replies asked for: its tokens, and why it ends."""

    tokens: tuple[str, ...]
    finish_reason: str
    reasoning: int = 0
    """So many of the tokens were thought, and not said."""
    call: str = ""
    """The function that it calls: what it says are its arguments."""

    @property
    def said(self) -> tuple[str, ...]:
        """The tokens of the answer itself, or of its call's arguments."""
        return self.tokens[self.reasoning :]

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(self.said)

    @property
    def thought(self) -> str:
        """What was thought before."""
        return "".join(self.tokens[: self.reasoning])


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about the reply that the caller can see."""

    spent: Spent
    choices: tuple[Choice, ...]
    first_token_s: float
    per_token_s: float
    summary: tuple[int, int] = (0, 0)
    """Input and output of a summary that was made on the way: within what was spent."""
    advice: tuple[int, int] = (0, 0)
    """Input and output of the model that was asked on the way, beside what was spent."""

    @property
    def completion_tokens(self) -> int:
        """Tokens of all choices together."""
        return sum(len(choice.tokens) for choice in self.choices)

    @property
    def tier(self) -> str:
        """The service tier, empty where it is the usual."""
        return next((word for word in self.spent.tier if word not in ("fast", "us")), "")

    @property
    def whole_s(self) -> float:
        """Until all of it is there."""
        longest = max((len(choice.tokens) for choice in self.choices), default=0)
        return self.first_token_s + self.per_token_s * longest

    def cut(self, generated: int) -> Spent:
        """What is billed where only so many of the choices' tokens were made."""
        return replace(self.spent, output=generated + self.summary[1])


def draw(seed: int, ask: Ask, speed: float, context_tokens: int = 0) -> Plan:
    """Decide on a reply.

    Args:
        seed: Of the simulator.
        ask: What was asked for.
        speed: Multiplies every delay; 0 means none.
        context_tokens: Of what the request goes on from.
    """
    root = hashlib.blake2b(ask.content, digest_size=32, key=str(seed).encode()).digest()
    more = hashlib.blake2b(root, digest_size=40, salt=b"more").digest()
    first, pace, cache = (_unit(root, 8 * at) for at in range(3))
    search, tier, hit, summed, written = (_unit(more, 8 * at) for at in range(5))
    model, choices = ask.model, tuple(_choice(root, index, ask) for index in range(ask.n))
    summary = (1_000 + int(summed * 500), 1 + int(summed * 60)) if ask.compacts else (0, 0)
    prompt = ask.prompt_tokens + context_tokens
    if ask.marks is None:
        cached = _cached(prompt, cache)
        caches = cached, _written(model, prompt - cached, written), 0
    else:
        caches = _marked(ask.marks, hit)
    spent = Spent(
        input=prompt + summary[0],
        output=sum(len(choice.tokens) for choice in choices) + summary[1],
        cached=caches[0],
        written=caches[1],
        written_1h=caches[2],
        reasoning=sum(choice.reasoning for choice in choices),
        searches=1 + int(search * SEARCHES_MOST) if ask.searches else 0,
        tier=_tier(ask.tiers, tier * 100),
    )
    return Plan(
        spent,
        choices,
        first_token_s=speed * _log_normal(first, model.first_token_ms / 1000, FIRST_TOKEN_SIGMA),
        per_token_s=speed * _log_normal(pace, 1 / model.tokens_per_s, PACE_SIGMA),
        summary=summary,
        advice=(500 + int(search * 3_000), 1 + int(written * 90)) if ask.advised else (0, 0),
    )


def _tier(tiers: tuple[tuple[str, int], ...], percent: float) -> tuple[str, ...]:
    """All that are certain, and of the others the one on which the lot falls."""
    found = [word for word, chance in tiers if chance == 100]
    for word, chance in tiers:
        if chance < 100 and 0 <= percent < chance:
            found.append(word)
        percent -= chance if chance < 100 else 0
    return tuple(sorted(found, key=TIER_WORDS.index))


def _marked(marks: tuple[tuple[int, bool], ...], hit: float) -> tuple[int, int, int]:
    """Read, written, and of that for an hour: the first marks were there already, or none was."""
    there = int(hit / CACHE_READ * (len(marks) + 1)) if hit < CACHE_READ else 0
    read = sum(tokens for tokens, _ in marks[:there])
    rest = marks[there:]
    hour = sum(tokens for tokens, for_an_hour in rest if for_an_hour)
    return read, sum(tokens for tokens, _ in rest), hour


def _written(model: Model, rest: int, share: float) -> int:
    """Where a model's list has a price of its own for it."""
    prices = model.prices
    if prices.written == prices.input or rest < CACHE_FROM_TOKENS:
        return 0
    return int(rest * share) // CACHE_STEP_TOKENS * CACHE_STEP_TOKENS


def _choice(root: bytes, index: int, ask: Ask) -> Choice:
    own = hashlib.blake2b(root, digest_size=24, salt=index.to_bytes(4, "big")).digest()
    length = max(1, round(_log_normal(_unit(own, 0), ask.model.median_output_tokens, OUTPUT_SIGMA)))
    finish = "stop"
    if length > ask.max_tokens:
        length, finish = ask.max_tokens, "length"
    words = pieces(int.from_bytes(own[8:16], "big"), int.from_bytes(own[16:24], "big"), length)
    more = hashlib.blake2b(own, digest_size=16).digest()
    thought = int(_unit(more, 0) * length) if ask.reasons else 0
    dice = random.Random(own)
    if ask.functions and (ask.must_call or _unit(more, 8) < CALLS):
        called = dice.choice(ask.functions)
        return _as_json(words, thought, finish, ask, called.schema, dice, called.name)
    if ask.schema is not None:
        return _as_json(words, thought, finish, ask, ask.schema, dice)
    stopped = _stopped(words, ask.stop)
    if stopped is None:
        return Choice(words, finish, thought)
    return Choice(stopped, "stop", min(thought, len(stopped)))


def _as_json(
    words: tuple[str, ...],
    thought: int,
    finish: str,
    ask: Ask,
    schema: Mapping[str, Any],
    dice: random.Random,
    call: str = "",
) -> Choice:
    """What is said as JSON: the words themselves where the schema leaves it open.

    What was cut is left as it was.
    """
    if schema.keys() <= OPEN_KEYS and not schema.get("properties"):
        parts = [orjson.dumps(token).decode()[1:-1] for token in words[thought:]]
        parts[0] = '{"text":"' + parts[0]
        parts[-1] += '"}' if finish == "stop" else ""
        return Choice((*words[:thought], *parts), finish, thought, call)
    text = orjson.dumps(satisfying(schema, dice)).decode()
    said = [text[at : at + JSON_TOKEN] for at in range(0, len(text), JSON_TOKEN)]
    tokens = (*words[:thought], *said)
    finish = "stop" if len(tokens) <= ask.max_tokens else "length"
    return Choice(tokens[: ask.max_tokens], finish, thought, call)


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

"""The requests that the traffic sends: drawn from the seed, the project and their number."""

import random
from typing import Any

from quotadeck.sim.characters import Character
from quotadeck.sim.words import WORDS

CORPUS_WORDS = 40_000
PROMPT_SIGMA = 0.5
MAX_PROMPT_CHARS = 120_000
INCLUDE_USAGE_PERCENT = 50
"""Of the streams: a gateway must ask for usage always and show it only to those who asked."""


class Prompts:
    """Writes request bodies. One long text is made once; each prompt is a part of it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        corpus = "".join(random.Random(f"{seed}:corpus").choices(WORDS, k=CORPUS_WORDS))
        self._corpus = corpus * 2

    def body(self, character: Character, number: int) -> dict[str, Any]:
        """The `number`-th request of a project; the same again for the same seed."""
        habit = character.habit
        dice = random.Random(f"{self._seed}:{character.id}:{number}")
        names = [model for model, _ in habit.models]
        weights = [weight for _, weight in habit.models]
        size = int(habit.prompt_bytes * dice.lognormvariate(0.0, PROMPT_SIGMA))
        size = max(1, min(size, MAX_PROMPT_CHARS))
        start = dice.randrange(len(self._corpus) // 2)
        body: dict[str, Any] = {
            "model": dice.choices(names, weights)[0],
            "messages": [
                {"role": "system", "content": f"You work for {character.name}. Be brief."},
                {"role": "user", "content": f"#{number} {self._corpus[start : start + size]}"},
            ],
            "max_tokens": habit.max_tokens,
        }
        if dice.randrange(100) < habit.stream_percent:
            body["stream"] = True
            if dice.randrange(100) < INCLUDE_USAGE_PERCENT:
                body["stream_options"] = {"include_usage": True}
        return body

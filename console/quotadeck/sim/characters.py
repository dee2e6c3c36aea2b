"""The cast of the simulated traffic: projects with characters of their own.

The first half of a character is what the demo writes into the gateway's configuration; the
habit is how its traffic behaves. Six are drawn by hand; further ones are quiet and alike.
"""

from dataclasses import dataclass

QUIET_TOTAL_PER_S = 5.0
"""What all quiet projects together offer, shared out so that the k-th has 1/k of the first."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How a project's traffic behaves."""

    per_s: float
    """Requests a second offered at the start, at `--rate 1`."""
    models: tuple[tuple[str, int], ...]
    """Models with their weights."""
    prompt_bytes: int
    """Median; the distribution is log-normal."""
    max_tokens: int
    stream_percent: int = 0
    grows_to: float = 1.0
    """The offered rate is multiplied by this in the end."""
    grows_over_s: float = 180.0
    storm_tries: int = 0
    """How often a 429 is tried again at once, without a pause; 0 keeps to Retry-After."""
    in_flight: int = 24


@dataclass(frozen=True, slots=True)
class Character:
    """A project of the demo."""

    id: str
    name: str
    priority: str
    rpm: int
    tpm: int
    daily_budget_usd: str
    concurrency: int | None
    habit: Habit

    @property
    def models(self) -> tuple[str, ...]:
        """The models that it may use."""
        return tuple(model for model, _ in self.habit.models)


CAST: tuple[Character, ...] = (
    # The nightly batch of the article grows until its quota is gone: 80,000 tokens a minute are
    # eleven of its prompts, and it is throttled before the first minute is over.
    Character(
        id="analytics",
        name="Analytics",
        priority="medium",
        rpm=20,
        tpm=80_000,
        daily_budget_usd="500.00",
        concurrency=None,
        habit=Habit(
            per_s=0.25,
            models=(("claude-opus-4.7", 9), ("gpt-4.1", 1)),
            prompt_bytes=24_000,
            max_tokens=1_200,
            grows_to=5.0,
            grows_over_s=150.0,
            in_flight=6,
        ),
    ),
    Character(
        id="content-gen",
        name="Content generation",
        priority="medium",
        rpm=30,
        tpm=120_000,
        daily_budget_usd="200.00",
        concurrency=None,
        habit=Habit(
            per_s=0.35,
            models=(("gpt-4.1", 7), ("claude-opus-4.7", 3)),
            prompt_bytes=5_000,
            max_tokens=900,
            stream_percent=20,
        ),
    ),
    Character(
        id="search",
        name="Search",
        priority="medium",
        rpm=900,
        tpm=600_000,
        daily_budget_usd="60.00",
        concurrency=None,
        habit=Habit(
            per_s=9.0,
            models=(("gemini-2.5-flash", 1),),
            prompt_bytes=600,
            max_tokens=200,
            in_flight=64,
        ),
    ),
    Character(
        id="support-chat",
        name="Support chat",
        priority="high",
        rpm=300,
        tpm=400_000,
        daily_budget_usd="250.00",
        concurrency=40,
        habit=Habit(
            per_s=2.0,
            models=(("gpt-4.1", 1),),
            prompt_bytes=2_400,
            max_tokens=500,
            stream_percent=100,
            in_flight=40,
        ),
    ),
    # A broken client: it asks for twice its quota and answers every 429 by asking again.
    Character(
        id="batch-embed",
        name="Batch embeddings",
        priority="low",
        rpm=60,
        tpm=200_000,
        daily_budget_usd="40.00",
        concurrency=None,
        habit=Habit(
            per_s=1.9,
            models=(("deepseek-v3.2", 1),),
            prompt_bytes=1_500,
            max_tokens=120,
            storm_tries=7,
        ),
    ),
    # Half a cent a call: the day's money is nine tenths gone in about two minutes.
    Character(
        id="checkout",
        name="Checkout summaries",
        priority="high",
        rpm=120,
        tpm=150_000,
        daily_budget_usd="0.75",
        concurrency=8,
        habit=Habit(
            per_s=0.9,
            models=(("gpt-4.1", 1),),
            prompt_bytes=2_000,
            max_tokens=250,
        ),
    ),
)


def cast(projects: int = len(CAST), first: tuple[Character, ...] = CAST) -> tuple[Character, ...]:
    """So many projects: the six of the cast, then quiet ones from project-0007 on."""
    quiet = range(len(first) + 1, projects + 1)
    harmonic = sum(1 / rank for rank in range(1, len(quiet) + 1))
    return first[:projects] + tuple(
        _quiet(number, QUIET_TOTAL_PER_S / harmonic / rank) for rank, number in enumerate(quiet, 1)
    )


def _quiet(number: int, per_s: float) -> Character:
    model = ("gemini-2.5-flash", "deepseek-v3.2", "gpt-4.1")[number % 3]
    return Character(
        id=f"project-{number:04}",
        name=f"Project {number}",
        priority=("medium", "low", "high")[number % 3],
        rpm=60 + 60 * (number % 4),
        tpm=60_000 + 30_000 * (number % 5),
        daily_budget_usd=f"{5 + 5 * (number % 7)}.00",
        concurrency=None,
        habit=Habit(
            per_s=per_s,
            models=((model, 1),),
            prompt_bytes=500 + 300 * (number % 6),
            max_tokens=200,
            stream_percent=25 * (number % 2),
        ),
    )

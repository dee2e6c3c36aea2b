"""What a provider tells of its own limits in a reply's headers, in each of the ways it is told.

Sources: "Rate limits in headers" of OpenAI's guide to rate limits; "Response headers" of
Anthropic's page on rate limits; Groq's "Rate limit headers". LiteLLM passes its provider's on
under names of its own.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from quotadeck.domain.limits import MAX_PER_MINUTE
from quotadeck.domain.rules import LimitKind


class Unit(NamedTuple):
    """What a provider limits. ``paced``: a bucket of requests, or of all tokens, can stand for it;
    one of input or output tokens alone cannot, and only counts when it is used up."""

    name: str
    kind: LimitKind
    paced: bool = True


class Told(NamedTuple):
    """One limit as headers told it: its size, what is left, and the text of its reset, which was
    told at ``at_us`` (UTC)."""

    unit: Unit
    limit: int
    left: int
    reset: str
    at_us: int

    @property
    def full_ms(self) -> int | None:
        """Milliseconds until all of it is there again; None where no readable reset was told."""
        return until_ms(self.reset, self.at_us)

    @property
    def step_ms(self) -> int:
        """In what steps that is told, by how it is written: ``8.64s`` in 10 ms, ``20s`` in 1 s."""
        return step_ms(self.reset)

    @property
    def is_tight(self) -> bool:
        """Whether half of it or more is used: before that, what is left holds nobody back."""
        return self.left * 2 <= self.limit


REQUESTS: Final = Unit("requests", LimitKind.RPM)
_OPENAI: Final = (REQUESTS, Unit("tokens", LimitKind.TPM))
_ANTHROPIC: Final = (
    REQUESTS,
    Unit("tokens", LimitKind.TPM, paced=False),  # of input or output, whichever is the tighter
    Unit("input-tokens", LimitKind.TPM, paced=False),
    Unit("output-tokens", LimitKind.TPM, paced=False),
)
_FORMS: Final = (
    ("x-ratelimit-{what}-{unit}", _OPENAI),
    ("anthropic-ratelimit-{unit}-{what}", _ANTHROPIC),
    ("llm_provider-x-ratelimit-{what}-{unit}", _OPENAI),
    ("llm_provider-anthropic-ratelimit-{unit}-{what}", _ANTHROPIC),
)
_NAMES: Final = tuple(
    (unit, [form.format(what=what, unit=unit.name) for what in ("limit", "remaining", "reset")])
    for form, units in _FORMS
    for unit in units
)
"""Each unit's headers; the first that are there count."""
_GO: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:([\d.]+)ms)?")
_DECIMALS: Final = re.compile(r"\.(\d{1,9})")
_EPOCH_S, _EPOCH_MS = 1e9, 1e11
"""Numbers from here on are instants of Unix time, in seconds, and in milliseconds."""
_MOST_MS: Final = 366 * 86_400_000


def limits_told(headers: Mapping[str, str], wall_us: int) -> list[Told]:
    """The limits that headers tell, each unit once. ``headers`` has lower-case names."""
    found = list(_limits(headers, wall_us))
    return list({told.unit.name: told for told in reversed(found)}.values())


def _limits(headers: Mapping[str, str], wall_us: int) -> Iterator[Told]:
    for unit, (limit_name, left_name, reset_name) in _NAMES:
        left = _count(headers.get(left_name))
        if left is None:
            continue
        limit = _count(headers.get(limit_name))
        if limit:
            yield Told(unit, limit, left, headers.get(reset_name, ""), wall_us)


def _count(text: str | None) -> int | None:
    if text is None or len(text) > 24:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if 0 <= number <= MAX_PER_MINUTE else None


def until_ms(text: str, wall_us: int) -> int | None:
    """Milliseconds of a reset: ``6m0s``, ``120ms``, ``1.5`` (seconds), or an instant as Unix time
    or RFC 3339. None for what is none of these, or more than a year away."""
    text = text.strip()
    if not text or len(text) > 40:
        return None
    try:
        number = float(text)
    except ValueError:
        wait = _duration_ms(text)
        wait = _until_instant_ms(text, wall_us) if wait is None else wait
    else:
        if number >= _EPOCH_S:
            number = (number if number < _EPOCH_MS else number / 1_000) - wall_us / 1e6
        wait = number * 1_000
    return int(max(0.0, wait)) if wait is not None and wait <= _MOST_MS else None


def step_ms(text: str) -> int:
    """The step of a reset that was written so, a millisecond at least."""
    if "ms" in text:
        return 1
    decimals = _DECIMALS.search(text)
    return max(1, 1_000 // 10 ** len(decimals[1])) if decimals else 1_000


def _duration_ms(text: str) -> float | None:
    found = _GO.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    try:
        hours, minutes, seconds, ms = (float(part or 0) for part in found.groups())
    except ValueError:
        return None
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms


def _until_instant_ms(text: str, wall_us: int) -> float | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if at.tzinfo is None else at.timestamp() * 1_000 - wall_us / 1_000

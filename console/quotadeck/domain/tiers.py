"""What of a call changes its price beside its counts: its service tier, speed and region.

They are words, as replies state them: "priority", "fast", "us". A reply's are joined by "+", in the
order of service tier, speed, region, and the usual ones are left out. Behind them stands what was
used that none of the counts has, such as "image_generation". Whatever has no price by its very
words has none: no word is taken for another.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from quotadeck.domain.text import clean

SERVICE, SPEED, REGION = "service_tier", "speed", "inference_geo"
FIELDS: Final = (SERVICE, SPEED, REGION)
"""The fields of requests that choose them, and of replies that state them."""

BESIDE: Final = "beside"
"""In the place of a field: words of what was used beside the counts."""
AUDIO: Final = "audio"
"""Some of the tokens are of sound, which has prices of its own."""
IMAGES: Final = "image_generation"
"""Pictures were made, by a model with prices of its own."""
CACHE_12H: Final = "cache_12h"
"""What was written to a cache for long is kept for half a day."""
FILE_SEARCH: Final = "file_search"
CODE: Final = "code_interpreter"
SEARCHES: Final = "web_search"
OTHER_MODEL: Final = "other_model"
"""Another model had a part in it, whose prices are not known."""

_KNOWN: Final = {
    **dict.fromkeys(("priority", "flex", "batch", "scale", "reserved"), SERVICE),
    "fast": SPEED,
    **dict.fromkeys(("us", "eu"), REGION),
    **dict.fromkeys((AUDIO, IMAGES, CACHE_12H, FILE_SEARCH, CODE, SEARCHES, OTHER_MODEL), BESIDE),
}
_UNKNOWN: Final = ""
_ORDER: Final = (*FIELDS, _UNKNOWN, BESIDE)
_USUAL: Final = {
    SERVICE: frozenset({"default", "standard", "standard_only", "on_demand"}),
    SPEED: frozenset({"standard", "default"}),
    REGION: frozenset({"global", "not_available"}),
}
_MOST_CHARS: Final = 40
_OPEN: Final = frozenset({"auto", ""})
"""What leaves the choice to the upstream, as saying nothing does."""


def field_of(word: str) -> str:
    """The field that a word is a value of; empty where nobody knows."""
    return _KNOWN.get(word, _UNKNOWN)


def joined(words: Iterable[str]) -> str:
    """Words in the one order by which prices are found: that of their fields, where it is known."""
    return "+".join(sorted(words, key=lambda word: (_ORDER.index(field_of(word)), word)))


def split(tier: str) -> tuple[str, ...]:
    return tuple(tier.split("+")) if tier else ()


def with_beside(tier: str, words: Iterable[str]) -> str:
    """A reply's tier, and what was used beside its counts."""
    found = sorted(set(words) - {""})
    return "+".join((tier, *found) if tier else found) if found else tier


def stated(field: str, value: str) -> str:
    """What a reply's field says of its tier; empty for the usual."""
    return "" if value in _USUAL[field] or value in _OPEN else clean(value, _MOST_CHARS)


class Chosen(NamedTuple):
    """The words that a request names, and the fields that it leaves no choice about."""

    words: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()

    def may_be(self, word: str, unasked: tuple[str, ...]) -> bool:
        """Whether a reply may state the word; ``unasked`` are those that need not be named."""
        if word in self.words:
            return True
        # A word of no known field may stand in any that was left open.
        return word in unasked and field_of(word) not in self.settled


NOTHING_CHOSEN: Final = Chosen()


def chosen(chooses: Iterable[tuple[str, str]]) -> Chosen:
    """Of the (field, value) that a request chooses by."""
    words: list[str] = []
    settled: list[str] = []
    for field, value in chooses:
        if field not in FIELDS or value in _OPEN:
            continue
        settled.append(field)
        if value not in _USUAL[field]:
            # OpenAI's replies say priority where requests said fast.
            words.append("priority" if field == SERVICE and value == "fast" else value)
    return Chosen(tuple(words), tuple(settled)) if settled else NOTHING_CHOSEN


CHEAP: Final = frozenset({"flex", "batch"})
"""What costs no more than the usual, and yet another price than that."""


def is_dearer(field: str, value: str) -> bool:
    """Whether a request that says so may cost more than one that says nothing; so may what is
    unknown, and any field that is none of a tier."""
    if field not in FIELDS:
        return True
    return value not in _USUAL[field] and value not in _OPEN and value not in CHEAP

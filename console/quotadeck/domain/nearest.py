"""What a mistyped name may have meant."""

from collections.abc import Mapping
from difflib import get_close_matches


def nearest(name: str, known: Mapping[str, object] | tuple[str, ...]) -> tuple[str, ...]:
    """Up to three known names that look like ``name``, for an error's hint."""
    return tuple(get_close_matches(name[:100], list(known), n=3, cutoff=0.5))

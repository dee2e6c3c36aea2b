"""Notices as people read them, for tests that promise what is said."""

from collections.abc import Iterable

from quotadeck.domain.notice import Notice
from quotadeck.words import say


def said(notices: Iterable[Notice]) -> tuple[str, ...]:
    """Each in words."""
    return tuple(map(say, notices))

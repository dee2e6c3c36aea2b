"""What passed in a quarter of an hour, for the scripted source: each project in its own way."""

from collections.abc import Sequence
from typing import Final

from quotadeck.domain.series import Series, SeriesPage
from quotadeck.domain.subject import Subject
from tests.tui.scenes import AT_US, MINUTE_US, usd

_ASKED: Final = {
    "analytics": (6, 9, 8, 11, 10, 12, 15, 18, 19, 22, 60, 180, 294, 290, 294),
    "batch-embed": (58, 40, 51, 57, 300, 560, 572, 570, 571, 572, 569, 572, 572, 570, 572),
    "mobile-app": (22, 31, 40, 38, 44, 41, 40, 41, 41, 42, 41, 40, 41, 41, 41),
    "support-chat": (20, 24, 22, 27, 25, 23, 26, 25, 24, 27, 22, 25, 26, 24, 25),
    "content-gen": (12, 14, 11, 13, 12, 14, 2, 0, 0, 0, 0, 0, 0, 0, 0),
    "search": (600, 580, 620, 640, 610, 655, 640, 660, 630, 640, 650, 610, 640, 635, 640),
}
_ADMITTED: Final = {"analytics": 20, "batch-embed": 60, "mobile-app": 40}
_FALLS_TO_NOTHING: Final = "mobile-app"


def a_quarter(subjects: Sequence[Subject], minutes: int, until_us: int | None) -> SeriesPage:
    """The newest minutes of each; of who is not known 3 to 7 a minute."""
    until_us = AT_US if until_us is None else until_us
    return SeriesPage(
        start_us=until_us - minutes * MINUTE_US,
        minutes=minutes,
        step_ms=60_000,
        rows=tuple(_series(subject, minutes) for subject in subjects),
    )


def _series(subject: Subject, minutes: int) -> Series:
    known = _ASKED.get(subject.name) or tuple(3 + at * 7 % 5 for at in range(15))
    asked = ((None,) * minutes + known)[-minutes:]
    most = _ADMITTED.get(subject.name, 10_000)
    gone = subject.name == _FALLS_TO_NOTHING
    refused = tuple(
        None if one is None else (one if gone and at >= 5 else max(0, one - most))
        for at, one in enumerate(asked)
    )
    ended = tuple(
        None if one is None or no is None else one - no
        for one, no in zip(asked, refused, strict=True)
    )
    nothing = tuple(None if one is None else 0 for one in asked)
    tokens = tuple(None if one is None else one * 3_700 for one in ended)
    cost = tuple(None if one is None else one * usd(0.01) for one in ended)
    return Series(subject, asked, refused, nothing, ended, tokens, cost)

"""What passed in an hour, for the scripted source: a rise, a storm, its end."""

from collections.abc import Sequence

from quotadeck.domain.series import Series, SeriesPage
from quotadeck.domain.subject import Subject
from tests.tui.scenes import AT_US, MINUTE_US, usd


def an_hour(subjects: Sequence[Subject], minutes: int, until_us: int | None) -> SeriesPage:
    """Of every subject the same; the gateway was down for the first four minutes."""
    until_us = AT_US if until_us is None else until_us
    return SeriesPage(
        start_us=until_us - minutes * MINUTE_US,
        minutes=minutes,
        step_ms=60_000,
        rows=tuple(_series(subject, minutes) for subject in subjects),
    )


def _series(subject: Subject, minutes: int) -> Series:
    asked = [None if at < 4 else _asked(at) for at in range(60 - minutes, 60)]
    ended = [None if one is None else min(20, one) for one in asked]
    refused = [None if one is None else max(0, one - 20) for one in asked]
    return Series(
        subject,
        tuple(asked),
        tuple(refused),
        tuple(None if one is None else one // 8 for one in ended),
        tuple(ended),
        tuple(None if one is None else one * 3_700 for one in ended),
        tuple(None if one is None else one * usd(0.058) for one in ended),
    )


def _asked(at: int) -> int:
    """8 to 16 a minute, from the 49th on up to 300."""
    return 8 + at * 7 % 9 if at < 49 else min(300, 40 * (at - 48))

"""What a limit had to be for the last hour to pass: read from what its minutes asked for."""

from math import ceil
from typing import Final

from quotadeck.domain.commands import Field
from quotadeck.domain.series import Series
from quotadeck.domain.snapshot import Flow

MINUTES: Final = 60
_QUANTILE_PERCENT: Final = 95
_ROOM_PERCENT: Final = 110
"""A minute's average is no burst's: a tenth more lets both pass."""
NEEDED: Final = (Field.RPM, Field.TPM)
"""What minutes tell; a day's money and slots they do not."""


def needed(field: str, of: Series, flow: Flow) -> int | None:
    """The 95th percentile of what was asked for in a minute, and a tenth more, rounded up.

    The last 60 s of its ``flow`` are no less: whole minutes know nothing of what began in this one.
    Minutes in which nothing was asked count; those that are not on record do not. What was refused
    is taken to be as large as what was let through. None where nothing was asked at all.
    """
    asked = sorted(
        count if field == Field.RPM else _tokens(count, ended or 0, tokens or 0, of)
        for count, ended, tokens in zip(of.asked, of.ended, of.tokens, strict=True)
        if count is not None
    )
    now = _now(field, flow)
    if not any(asked) and not now:
        return None
    rank = max(1, ceil(len(asked) * _QUANTILE_PERCENT / 100))
    most = max(asked[rank - 1] if asked else 0, now)
    return max(1, ceil(most * _ROOM_PERCENT / 100))


def _now(field: str, flow: Flow) -> int:
    requests = flow.requests_60s + flow.refused_60s
    if field == Field.RPM:
        return requests
    return requests * flow.tokens_60s // flow.requests_60s if flow.requests_60s else 0


def _tokens(asked: int, ended: int, tokens: int, of: Series) -> int:
    if ended:
        return round(asked * tokens / ended)
    whole = sum(count or 0 for count in of.ended)
    return round(asked * sum(count or 0 for count in of.tokens) / whole) if whole else 0

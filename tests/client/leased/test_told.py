"""What calls used elsewhere is told until the gateway has it, whatever else it answers."""

import pytest

from quotadeck.client.leased.answer import Answer, Granted
from quotadeck.client.leased.pool import Pool


def refused(status: int, code: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": "no"}}, 100)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "rate_limit_exceeded"),
        (429, "insufficient_quota"),
        (429, "too_many_leases"),
        (403, "project_paused"),
    ],
)
def test_what_is_refused_behind_the_record_is_told_no_more(status: int, code: str) -> None:
    assert refused(status, code).hears_used


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "too_many_connections"),
        (429, "too_many_reports"),
        (403, "project_not_allowed"),
        (401, "invalid_api_key"),
        (404, "lease_ended"),
    ],
)
def test_what_is_refused_before_it_is_told_again(status: int, code: str) -> None:
    assert not refused(status, code).hears_used


def test_no_more_is_here_than_the_gateway_holds() -> None:
    """A new day's budget may be smaller than the last one's part was."""
    pool = Pool("analytics", 0)
    first = {"requests": 5, "tokens": None, "nano_usd": 100}
    pool.given(Granted("lease_1", first, first, 60_000, {}, "", 0), 0, 0)
    nothing, held = {**first, "requests": 0, "nano_usd": 0}, {**first, "nano_usd": 10}
    pool.given(Granted("lease_1", nothing, held, 60_000, {}, "", 0), 0, 0)
    assert pool.left == {"requests": 5, "tokens": None, "nano_usd": 10}

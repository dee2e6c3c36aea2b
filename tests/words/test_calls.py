"""A call in few cells: how it ended, and how often it was tried before."""

import pytest

from quotadeck.domain.calls import Attempt, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.words.calls import outcome
from tests.tui.call_book import call

SERVED = Attempt("main/gpt-4.1", Cause.NONE, 200, 900)
FAILED = Attempt("main/gpt-4.1", Cause.UPSTREAM_5XX, 503, 40)


@pytest.mark.parametrize(
    ("attempts", "ended", "said"),
    [
        ((SERVED,), Outcome.OK, "ok"),
        ((FAILED, SERVED), Outcome.OK, "ok ↻1"),
        ((FAILED,), Outcome.UPSTREAM_ERROR, "503 upstream 5xx"),
        ((FAILED, FAILED), Outcome.UPSTREAM_ERROR, "503 upstream 5xx ↻1"),
    ],
)
def test_only_attempts_that_failed_before_are_counted(
    attempts: tuple[Attempt, ...], ended: Outcome, said: str
) -> None:
    bad = ended is not Outcome.OK
    ending = call(
        1, ago_ms=0, attempts=attempts, outcome=ended, http_status=503 if bad else 200,
        cause=Cause.UPSTREAM_5XX if bad else Cause.NONE,
    )  # fmt: skip
    assert outcome(ending) == said

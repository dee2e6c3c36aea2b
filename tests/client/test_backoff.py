"""How long whoever must poll waits between two tries."""

from typing import Any

import pytest

from quotadeck.client import Backoff


def test_waits_for_a_poll_double_less_half_of_them_by_chance_at_most() -> None:
    backoff = Backoff()
    assert (backoff.base_s, backoff.ceiling_s, backoff.tries) == (1, 60, 5)
    assert [backoff.wait_s(tried, share=0) for tried in (1, 2, 3, 7, 2_000)] == [1, 2, 4, 60, 60]
    assert [backoff.wait_s(tried, share=1) for tried in (1, 2, 3)] == [0.5, 1, 2]
    waits = {backoff.wait_s(3) for _ in range(50)}
    assert len(waits) > 40, "those who were refused together come apart"
    assert all(2 <= wait <= 4 for wait in waits)


@pytest.mark.parametrize(
    "told", [{"base_s": 0}, {"factor": 0.5}, {"ceiling_s": 0.5}, {"tries": 0}, {"jitter": 2}]
)
def test_a_backoff_that_is_none_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Backoff"):
        Backoff(**told)

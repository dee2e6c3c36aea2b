"""Ages, times left and shares: stepped, rounded to the safe side."""

from hypothesis import given
from hypothesis import strategies as st

from quotadeck.domain.ages import age, remaining, share


def test_an_age_moves_in_steps_under_a_minute() -> None:
    seconds = (0, 4.9, 5, 9, 10, 20, 39, 40, 59, 60, 179, 7_199, 7_200, 172_800)
    assert [age(round(s * 1_000)) for s in seconds] == [
        "<5s",
        "<5s",
        "5s",
        "5s",
        "10s",
        "20s",
        "20s",
        "40s",
        "40s",
        "1m",
        "2m",
        "119m",
        "2h",
        "2d",
    ]


def test_what_is_left_counts_minutes_until_the_last() -> None:
    ends = [remaining(s * 1_000_000) for s in (0, 59, 60, 61, 2_519, 3_600, 7_300, 90_000)]
    assert ends == ["0s", "59s", "60s", "2m", "42m", "1h", "2h", "25h"]


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_share_is_never_rounded_over_a_bound(part: int, whole: int) -> None:
    part = min(part, whole)
    text = share(part, whole)
    assert (text == "100%") is (part == whole)
    assert (text == "0%") is (part == 0)
    if not text.startswith("<"):
        assert float(text.removesuffix("%")) <= 100 * part / whole


def test_shares_are_short() -> None:
    told = [share(*pair) for pair in ((996, 1_000), (796, 1_000), (49, 1_000), (1, 9_999), (0, 0))]
    assert told == ["99.6%", "79%", "4.9%", "<0.1%", "–"]

"""What people type for durations and limits."""

from zoneinfo import ZoneInfo

import pytest

from quotadeck.domain.commands import Field
from quotadeck.domain.days import micros, rfc3339
from quotadeck.domain.typed import (
    TypedWrong,
    duration_ms,
    duration_words,
    ending,
    instant_us,
    limit_value,
)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1s", 1_000),
        ("90s", 90_000),
        ("1h30m", 5_400_000),
        ("2d", 172_800_000),
        ("31d", 2_678_400_000),
    ],
)
def test_durations(text: str, ms: int) -> None:
    assert duration_ms(text) == ms


@pytest.mark.parametrize(
    "text", ["", "1", "h", "1 h", "1.5h", "-1h", "0s", "32d", "1h1", "9" * 5_000 + "d", "١h"]
)
def test_what_is_no_duration_is_said(text: str) -> None:
    with pytest.raises(TypedWrong):
        duration_ms(text)


NEW_YORK = ZoneInfo("America/New_York")
NOW_US = micros("2026-10-31T15:30:00Z")
"""11:30 in New York, the day before its clocks are set back."""


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("11:31", "2026-10-31T15:31:00Z"),
        ("11:30", "2026-11-01T16:30:00Z"),
        ("11:30:05", "2026-10-31T15:30:05Z"),
        ("09:00", "2026-11-01T14:00:00Z"),
        ("2026-11-01T01:00", "2026-11-01T05:00:00Z"),
        ("2026-11-27 09:00", "2026-11-27T14:00:00Z"),
        ("2026-11-27T09:00Z", "2026-11-27T09:00:00Z"),
        ("2026-11-27t09:00:00+01:00", "2026-11-27T08:00:00Z"),
        ("until 09:00", "2026-11-01T14:00:00Z"),
        ("tomorrow 09:00", "2026-11-01T14:00:00Z"),
        ("Tomorrow  12:00", "2026-11-01T17:00:00Z"),
        ("today 12:00", "2026-10-31T16:00:00Z"),
        ("Sat 11:00", "2026-11-07T16:00:00Z"),
        ("sat 12:00", "2026-10-31T16:00:00Z"),
        ("Thu 09:00", "2026-11-05T14:00:00Z"),
        ("27 Nov 09:00", "2026-11-27T14:00:00Z"),
        ("1 Nov 2026 09:00", "2026-11-01T14:00:00Z"),
        ("12:00 UTC", "2026-11-01T12:00:00Z"),
        ("until 12:00 EDT", "2026-10-31T16:00:00Z"),
        ("27 Nov 09:00 Asia/Tokyo", "2026-11-27T00:00:00Z"),
    ],
)
def test_times_of_day_and_instants(text: str, instant: str) -> None:
    assert rfc3339(instant_us(text, NOW_US, NEW_YORK)) == instant


@pytest.mark.parametrize(
    "text",
    ["", "9", "9:00", "25:00", "tomorrow", "2026-11-27", "2026-10-31T11:30", "2027-11-01T09:00"],
)
def test_what_is_no_time_or_lies_too_far_is_said(text: str) -> None:
    with pytest.raises(TypedWrong):
        instant_us(text, NOW_US, NEW_YORK)


def test_durations_in_words() -> None:
    told = [duration_words(ms) for ms in (999, 90_000, 3_600_000, 5_415_000, 90_000_000)]
    assert told == ["0s", "1m30s", "1h", "1h30m", "1d1h"]


def test_an_end_is_a_duration_or_an_instant() -> None:
    assert ending("1h 30m", NOW_US, NEW_YORK) == (5_400_000, None)
    assert ending("09:00", NOW_US, NEW_YORK) == (None, micros("2026-11-01T14:00:00Z"))
    assert ending("until tomorrow 09:00", NOW_US, NEW_YORK)[0] is None
    for text, kind in (("32d", "duration_range"), ("soon", "no_end"), ("", "no_end")):
        with pytest.raises(TypedWrong) as wrong:
            ending(text, NOW_US, NEW_YORK)
        assert wrong.value.told.kind == f"typed.{kind}"


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (Field.RPM, "40", (40, None)),
        (Field.TPM, "80k", (80_000, None)),
        (Field.TPM, "1.5M", (1_500_000, None)),
        (Field.BUDGET, "12.50", (12_500_000_000, None)),
        (Field.BUDGET, "$2k", (2_000_000_000_000, None)),
        (Field.TPM, "1,500,000", (1_500_000, None)),
        (Field.BUDGET, "$1,250.50", (1_250_500_000_000, None)),
        (Field.RPM, "x2", (None, 200)),
        (Field.RPM, "×0.5", (None, 50)),
        (Field.CONCURRENCY, "50%", (None, 50)),
        (Field.RPM, "+40%", (None, 140)),
        (Field.RPM, "-20%", (None, 80)),
        (Field.RPM, "−20%", (None, 80)),
    ],
)
def test_limits(field: Field, text: str, value: tuple[int | None, int | None]) -> None:
    assert limit_value(field, text) == value


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (Field.RPM, "-1"),
        (Field.RPM, "1.5"),
        (Field.RPM, "$40"),
        (Field.RPM, "1,5"),
        (Field.TPM, "1,00"),
        (Field.TPM, "1,0000"),
        (Field.RPM, "$1,000"),
        (Field.RPM, "1e9"),
        (Field.RPM, "9" * 5_000),
        (Field.RPM, "x0"),
        (Field.RPM, "0.5%"),
        (Field.RPM, "1000001%"),
        (Field.RPM, "-100%"),
        (Field.RPM, "+-5%"),
        (Field.BUDGET, "1.0000000001"),
        (Field.BUDGET, "NaN"),
        (Field.BUDGET, "2000000000"),
        (Field.TPM, ""),
    ],
)
def test_what_is_no_limit_is_said(field: Field, text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        limit_value(field, text)

"""What is said of a replay: each figure's sentence, what warns first."""

from dataclasses import replace

from quotadeck.domain.days import rfc3339
from quotadeck.domain.estimate import Bind, Estimate, Hit, Load, Money
from quotadeck.domain.subject import Subject
from quotadeck.words.estimates import heading, told

NOW_US = 1_795_489_200_000_000
MINUTE_US = 60_000_000
SOME = Estimate(NOW_US - 15 * MINUTE_US, NOW_US, 15, 576, 302, 571, 274, 5, 6, 11, 302)
A = Subject.project("a")
ENDS_US = NOW_US + 600 * MINUTE_US


def said(**changes: object) -> list[tuple[str, str]]:
    estimate = replace(SOME, **changes)  # type: ignore[arg-type]
    return [tuple(one) for one in told(estimate, A, clock)]  # type: ignore[misc]


def clock(at_us: int) -> str:
    return rfc3339(at_us)[11:16]


def test_what_was_replayed_is_said_and_which_minutes_where_it_is_not_all() -> None:
    assert heading(SOME, clock) == "576 real calls of the last 15 min"
    part = replace(SOME, all_there_is=False, since_us=NOW_US - 2 * MINUTE_US, minutes=2)
    assert heading(part, clock) == "576 real calls of 02:58–03:00: there is no time for more"
    assert heading(replace(SOME, requests=0), clock) == "nothing: no calls in the last 15 min"
    assert said() == []


def test_of_money_when_it_is_gone_and_how_long_it_lasts() -> None:
    def money(was: int | None, then: int | None, limit: int | None = 2) -> list[tuple[str, str]]:
        gone = [None if at is None else NOW_US + at * MINUTE_US for at in (was, then)]
        return said(money=Money(1, 2, limit, gone[0], gone[1], ENDS_US))

    assert money(98, 74) == [
        ("attention", "budget gone 04:38 → 04:14, earlier: lasts 1h14m"),
    ]
    assert money(10, 74) == [("normal", "budget gone 03:10 → 04:14: lasts 1h14m")]
    assert money(0, 74) == [("attention", "budget spent now; then gone 04:14: lasts 1h14m")]
    assert money(0, None) == [("normal", "budget spent now; then it lasts until 13:00")]
    assert money(74, None) == [("normal", "budget gone 04:14 → lasts the day, until 13:00")]
    assert money(74, None, None) == [("normal", "budget gone 04:14 → no limit")]
    assert money(74, 74) == [("normal", "budget gone 04:14, in 1h14m")]
    assert money(None, 74) == [
        ("attention", "budget gone 04:14 and not at the day's end: lasts 1h14m")
    ]
    assert money(None, None) == []
    assert money(None, None, 3) == [("normal", "budget lasts the day, until 13:00")]
    assert money(74, 0) == [("attention", "budget is spent: nothing passes until 13:00")]


def test_of_what_refuses_then() -> None:
    own, shared = Bind("project:a:rpm", 9, 5), Bind("target:main/opus:tpm", 0, 3)
    assert said(binds=(own, shared)) == [
        ("normal", "rpm still refuses 5"),
        ("attention", "main/opus tpm refuses 3"),
    ]
    paused = Bind("model:opus:paused", 0, 5)
    assert said(binds=(paused,), refused_before=5) == [
        ("attention", "admits no more: the pause of opus refuses 5")
    ]


def test_of_whom_it_hits() -> None:
    hits = (Hit("b", 4, 0, 0, 4), Hit("c", 9, 3, 0, 6), Hit("d", 1, 2_000, 5, 0))
    assert said(hits=hits, others_refused_before=5, others_refused_after=10) == [
        ("attention", "cuts off b"),
        ("attention", "others lose: c 9→3"),
        ("normal", "others gain: d 1→2k"),
        ("attention", "others refused 5 → 10"),
    ]
    many = tuple(Hit(f"p{n}", 9, 3, 0, 6) for n in range(5))
    assert said(hits=many, hits_more=40) == [
        ("attention", "others lose: p0 9→3, p1 9→3, p2 9→3 and 42 more")
    ]
    assert said(in_flight=2) == [("normal", "2 under way finish")]


def test_of_the_room_that_a_target_has() -> None:
    assert said(loads=(Load("main/flash", "rpm", 500, 12, 212, 300),)) == [
        ("normal", "main/flash 12 → 212 of 500 rpm: room for 200 more")
    ]
    assert said(loads=(Load("main/flash", "rpm", 500, 12, 40, 60),)) == []
    assert said(loads=(Load("main/flash", "rpm", 500, 480, 40, 490),)) == []
    moved = Load("main/flash", "tpm", 1_000_000, 12_000, 212_000, 240_000)
    assert told(replace(SOME, loads=(moved,)), Subject.model("opus"), clock) == [
        ("normal", "main/flash 12k → 212k of 1M tpm: room for 760k more")
    ]
    assert said(loads=(Load("main/flash", "rpm", 500, 12, 412, 490),)) == [
        (
            "attention",
            "main/flash 12 → 412 of 500 rpm, 490 in its busiest minute: low priority waits",
        )
    ]


def test_how_far_it_is_off_and_what_it_is_made_of() -> None:
    assert said(admitted_really=310) == [("dim", "without the change it admits 302 where 310 were")]
    changed = [("dim", "under the limits of now: they were changed in that time")]
    assert said(admitted_really=310, same_terms=False) == changed
    assert said(admitted_really=310, checked=False) == [
        ("dim", "not checked: there was time for one replay")
    ]
    assert said(retries=1, counted=288, unsized=4) == [
        ("dim", "1 retry would not have come"),
        ("dim", "50% from counted refusals, spread at their mean size"),
        ("dim", "0.6% of unknown size, taken as usual"),
    ]

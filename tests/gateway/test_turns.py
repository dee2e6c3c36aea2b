"""To whom a turn is given, and how it is known again."""

from collections.abc import Mapping

import pytest

from quotadeck.domain.cause import Cause
from quotadeck.domain.refusals import LimitReached
from quotadeck.gateway.data import turns
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.turns import ANNOUNCES, BARRED_NS, STRIKES, TurnBook
from tests.clocks import HandClock

ANNOUNCED: Mapping[bytes, bytes] = {ANNOUNCES: b"0"}
ONE, OTHER = Caller("k_one", "a"), Caller("k_other", "a")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def book(clock: HandClock) -> TurnBook:
    return TurnBook(clock)


def told(wait_ms: int | None, *, turn: bool = True) -> LimitReached:
    return LimitReached("project:a:rpm", 60, "rpm", 1, wait_ms, Cause.RPM, turn)


def test_who_announces_retries_is_promised_one_under_its_own_name(book: TurnBook) -> None:
    assert book.of(ONE, ANNOUNCED, b"body", "req_1") == "req_1"
    assert book.of(ONE, {}, b"body", "req_1") == ""


def test_a_retry_is_known_by_its_key_and_what_it_sends(book: TurnBook) -> None:
    book.given(ONE, "req_1", b"body", told(1_000))
    assert book.of(ONE, {}, b"body", "req_2") == "req_1"
    assert book.of(ONE, ANNOUNCED, b"another", "req_2") == "req_2"
    assert book.of(OTHER, ANNOUNCED, b"body", "req_2") == "req_2"
    assert book.of(Caller("k_one", "b"), ANNOUNCED, b"body", "req_2") == "req_2"


def test_as_many_of_the_same_come_back_as_were_refused(book: TurnBook) -> None:
    for number in (1, 2):
        book.given(ONE, f"req_{number}", b"body", told(number * 1_000))
    for number in (1, 2):
        turn = book.of(ONE, ANNOUNCED, b"body", "req_3")
        assert turn == f"req_{number}"
        book.claimed(ONE, turn, b"body")
    assert book.of(ONE, ANNOUNCED, b"body", "req_3") == "req_3"


def test_who_finds_his_turn_spoilt_comes_again_under_the_same_name(book: TurnBook) -> None:
    book.given(ONE, "req_1", b"body", told(1_000))
    book.given(ONE, "req_1", b"body", told(3_000))
    assert book.of(ONE, {}, b"body", "req_2") == "req_1"
    book.given(ONE, "req_1", b"body", told(500, turn=False))
    assert book.of(ONE, {}, b"body", "req_2") == ""


def test_who_has_claimed_one_need_not_announce_the_next(book: TurnBook) -> None:
    book.given(ONE, "req_1", b"body", told(1_000))
    book.claimed(ONE, "req_1", b"body")
    assert book.of(ONE, {}, b"another", "req_2") == "req_2"
    assert book.of(OTHER, {}, b"another", "req_2") == ""


def test_a_key_that_lets_three_lapse_gets_none_for_a_minute(
    book: TurnBook, clock: HandClock
) -> None:
    for number in range(STRIKES):
        assert book.of(ONE, ANNOUNCED, b"%d" % number, f"req_{number}") == f"req_{number}"
        book.given(ONE, f"req_{number}", b"%d" % number, told(1_000))
        clock.advance_ms(3_001)
    assert book.of(ONE, ANNOUNCED, b"more", "req_9") == ""
    assert book.of(OTHER, ANNOUNCED, b"more", "req_9") == "req_9"
    clock.advance_ns(BARRED_NS)
    assert book.of(ONE, ANNOUNCED, b"more", "req_9") == "req_9"


def test_a_storm_gets_none(clock: HandClock) -> None:
    book = TurnBook(clock, lambda project: project == "a")
    assert book.of(ONE, ANNOUNCED, b"body", "req_1") == ""
    assert book.of(Caller("k", "b"), ANNOUNCED, b"body", "req_1") == "req_1"


def test_no_more_keys_are_remembered_than_it_says(
    book: TurnBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_KEYS", 2)
    for name in "abc":
        book.given(Caller(name, "a"), "req_1", b"body", told(1_000))
    assert book.of(Caller("a", "a"), {}, b"body", "req_2") == ""
    assert book.of(Caller("c", "a"), {}, b"body", "req_2") == "req_1"

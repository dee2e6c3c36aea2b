"""To whom a turn is given, and how it is known again."""

from hashlib import sha256
from itertools import count

import pytest

from quotadeck.domain.cause import Cause
from quotadeck.domain.limits import MICRO, Priority, Take, rpm
from quotadeck.domain.refusals import LimitReached
from quotadeck.gateway.data import turns
from quotadeck.gateway.data.keys import Caller, Key, KeyRing
from quotadeck.gateway.data.turns import BARRED_NS, STRIKES, TurnBook, Wanted
from quotadeck.limiter import Admitted, MemoryLimiter, Refused, TurnName
from tests.clocks import HandClock

ONE, OTHER = Caller("k_one", "a"), Caller("k_other", "a")
BUCKET = "project:a:rpm"
IDS = count()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def limiter(clock: HandClock) -> MemoryLimiter:
    return MemoryLimiter(clock)


@pytest.fixture
def book(limiter: MemoryLimiter, clock: HandClock) -> TurnBook:
    return TurnBook(limiter, clock)


def told(wait_ms: int | None, *, turn: bool = True) -> LimitReached:
    return LimitReached(BUCKET, 60, "rpm", 1, wait_ms, Cause.RPM, turn)


def wanted(name: str, sent: bytes = b"body", owner: str = "a") -> Wanted:
    return Wanted(TurnName(owner, name), sent)


def asks(
    book: TurnBook, caller: Caller, sent: bytes, name: str, *, announced: bool = True
) -> str | None:
    """The name under which such a request asks."""
    found = book.of(caller, sent, name, announced=announced)
    return found.name.name if found else None


async def ask(limiter: MemoryLimiter, turn: TurnName | None = None) -> Admitted | Refused:
    take = Take(BUCKET, MICRO, rpm(60))
    return await limiter.acquire(str(next(IDS)), [take], Priority.MEDIUM, 60_000, turn)


async def admits(limiter: MemoryLimiter) -> int:
    """How many newcomers are let through now."""
    admitted = 0
    while isinstance(await ask(limiter), Admitted):
        admitted += 1
    return admitted


def test_who_announces_retries_is_promised_one_under_its_own_name(book: TurnBook) -> None:
    assert book.of(ONE, b"body", "req_1", announced=True) == wanted("req_1")
    assert book.of(ONE, b"body", "req_1", announced=False) is None


def test_a_retry_is_known_by_its_key_and_what_it_sends(book: TurnBook) -> None:
    book.given(ONE, wanted("req_1"), told(1_000))
    assert asks(book, ONE, b"body", "req_2", announced=False) == "req_1"
    assert asks(book, ONE, b"another", "req_2") == "req_2"
    assert asks(book, OTHER, b"body", "req_2") == "req_2"
    assert asks(book, Caller("k_one", "b"), b"body", "req_2") == "req_2"


def test_as_many_of_the_same_come_back_as_were_refused(book: TurnBook) -> None:
    for number in (1, 2):
        book.given(ONE, wanted(f"req_{number}"), told(number * 1_000))
    for number in (1, 2):
        assert asks(book, ONE, b"body", "req_3") == f"req_{number}"
        book.claimed(ONE, wanted(f"req_{number}"))
    assert asks(book, ONE, b"body", "req_3") == "req_3"


def test_who_sends_the_same_for_the_first_time_has_a_turn_of_its_own(
    book: TurnBook, clock: HandClock
) -> None:
    """Twenty calls with one prompt are twenty; an application that retries by itself is one."""
    book.given(ONE, wanted("req_1"), told(1_000))

    def first(name: str) -> Wanted | None:
        return book.of(ONE, b"body", name, announced=True, first=True)

    assert first("req_2") == wanted("req_2")
    assert book.of(ONE, b"body", "req_3", announced=True) == wanted("req_1")
    clock.advance_ms(1_000)
    assert first("req_2") == wanted("req_1")
    clock.advance_ms(2_001)
    assert first("req_2") == wanted("req_2")


def test_who_finds_his_turn_spoilt_comes_again_under_the_same_name(book: TurnBook) -> None:
    book.given(ONE, wanted("req_1"), told(1_000))
    book.given(ONE, wanted("req_1"), told(3_000))
    assert asks(book, ONE, b"body", "req_2", announced=False) == "req_1"
    book.given(ONE, wanted("req_1"), told(500, turn=False))
    assert asks(book, ONE, b"body", "req_2", announced=False) is None


def test_who_has_claimed_one_need_not_announce_the_next(book: TurnBook) -> None:
    book.given(ONE, wanted("req_1"), told(1_000))
    book.claimed(ONE, wanted("req_1"))
    assert asks(book, ONE, b"another", "req_2", announced=False) == "req_2"
    assert asks(book, OTHER, b"another", "req_2", announced=False) is None


async def test_a_key_that_lets_three_lapse_gets_none_for_a_minute(
    book: TurnBook, clock: HandClock
) -> None:
    for number in range(STRIKES):
        assert asks(book, ONE, b"%d" % number, f"req_{number}") == f"req_{number}"
        book.given(ONE, wanted(f"req_{number}", b"%d" % number), told(1_000))
        clock.advance_ms(3_001)
        await book.second()
    assert asks(book, ONE, b"more", "req_9") is None
    assert asks(book, OTHER, b"more", "req_9") == "req_9"
    clock.advance_ns(BARRED_NS)
    assert asks(book, ONE, b"more", "req_9") == "req_9"


async def test_what_was_promised_to_a_key_that_is_barred_is_free_before_it_lapses(
    book: TurnBook, limiter: MemoryLimiter, clock: HandClock
) -> None:
    await _takes_all_turns(book, limiter)
    clock.advance_ms(5_001)
    assert await admits(limiter) == STRIKES, "those of the first three seconds have lapsed"
    await book.second()
    assert await admits(limiter) == 2, "those of the next two are kept for nobody, either"


@pytest.mark.parametrize("paused", [True, False])
async def test_what_was_promised_to_who_may_not_come_back_is_free_at_once(
    book: TurnBook, limiter: MemoryLimiter, clock: HandClock, paused: bool
) -> None:
    await _takes_all_turns(book, limiter)
    clock.advance_ms(1_000)
    ring = KeyRing({sha256(b"x").hexdigest(): Key("k_one", ("a",))})
    await book.changed(lambda _: False, ring)
    assert await admits(limiter) == 0
    await book.changed(lambda name: paused and name == "a", ring if paused else KeyRing({}))
    assert await admits(limiter) == 1


async def _takes_all_turns(book: TurnBook, limiter: MemoryLimiter) -> None:
    """A key empties the bucket, and is promised all that comes."""
    for number in range(20):
        turn = book.of(ONE, b"%d" % number, f"req_{number}", announced=True)
        assert turn
        answer = await ask(limiter, turn.name)
        if isinstance(answer, Refused):
            assert answer.turn
            book.given(ONE, turn, told(answer.wait_ms))


async def test_what_is_given_up_is_free_and_no_strike(
    book: TurnBook, limiter: MemoryLimiter, clock: HandClock
) -> None:
    while isinstance(await ask(limiter), Admitted):
        pass
    for number in range(2 * STRIKES):
        turn = book.of(ONE, b"lease m", f"lease_{number}", announced=True)
        assert turn
        refused = await ask(limiter, turn.name)
        assert isinstance(refused, Refused)
        book.given(ONE, turn, told(refused.wait_ms))
        await book.given_up(ONE, turn)
        clock.advance_ms(4_000)
        assert await admits(limiter) == 4
        await book.second()
    assert asks(book, ONE, b"lease m", "lease_9") == "lease_9"


def test_a_storm_gets_none(limiter: MemoryLimiter, clock: HandClock) -> None:
    book = TurnBook(limiter, clock, lambda project: project == "a")
    assert asks(book, ONE, b"body", "req_1") is None
    assert asks(book, Caller("k", "b"), b"body", "req_1") == "req_1"


def test_no_more_keys_are_remembered_than_it_says(
    book: TurnBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_KEYS", 2)
    for name in "abc":
        book.given(Caller(name, "a"), wanted("req_1"), told(1_000))
    assert asks(book, Caller("a", "a"), b"body", "req_2", announced=False) is None
    assert asks(book, Caller("c", "a"), b"body", "req_2", announced=False) == "req_1"

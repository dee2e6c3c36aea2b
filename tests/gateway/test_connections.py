"""Who may stay when a server has more connections than it holds."""

import pytest

from quotadeck.gateway.connection.connections import Connections, Crowded, OwnerCrowded, Seat
from tests.wording import said

MOST = 32


class Hall:
    """A table, and who was hung up on, in order."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.table = Connections("connections", MOST, lambda: self.now_s)
        self.gone: list[int] = []
        self.seats: list[Seat] = []

    def come(self, uid: int | None = None) -> Seat:
        number = len(self.seats)
        seat = self.table.come(lambda: self.gone.append(number), uid)
        self.seats.append(seat)
        return seat


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_up_to_the_most_nobody_goes(hall: Hall) -> None:
    for _ in range(MOST):
        hall.come()
    assert hall.gone == []
    assert len(hall.table) == MOST


def test_the_longest_waiting_goes_and_strangers_first(hall: Hall) -> None:
    for number in range(MOST):
        seat = hall.come()
        if number < 2:
            seat.serve("one")
            seat.rest()
    for _ in range(MOST):
        hall.come()
    assert hall.gone == [*range(2, MOST), MOST, MOST + 1]
    assert len(hall.table) == MOST


def test_of_those_known_the_longest_idle_goes_first(hall: Hall) -> None:
    seats = [hall.come() for _ in range(MOST)]
    for seat in seats:
        seat.serve("one", share=MOST)
        seat.rest()
    seats[0].serve("one")
    seats[0].rest()
    hall.come().serve("one")
    assert hall.gone == [1]


def test_those_known_make_room_for_a_few_strangers(hall: Hall) -> None:
    for _ in range(MOST):
        seat = hall.come()
        seat.serve("one")
        seat.rest()
    for _ in range(10 * MOST):
        hall.come()
    few = MOST - hall.table.places
    assert hall.gone[:few] == list(range(few))
    assert min(hall.gone[few:]) == MOST


def test_a_request_under_way_is_never_dropped(hall: Hall) -> None:
    busy = [hall.come() for _ in range(hall.table.places)]
    for seat in busy:
        seat.serve("one", share=MOST)
    for _ in range(10 * MOST):
        hall.come()
    assert not set(hall.gone) & set(range(len(busy)))
    busy[3].rest()
    busy[4].leave()
    assert len(hall.table) == MOST - 1


def test_the_last_places_are_for_those_that_wait(hall: Hall) -> None:
    for _ in range(hall.table.places):
        hall.come().serve("one", share=MOST)
    late = hall.come()
    with pytest.raises(Crowded) as crowded:
        late.serve("two")
    assert crowded.value.places == hall.table.places < MOST
    hall.seats[0].rest()
    late.serve("two")


def test_one_owner_has_a_share(hall: Hall) -> None:
    share = hall.table.places * 3 // 4
    for _ in range(share):
        hall.come().serve("one")
    with pytest.raises(OwnerCrowded) as crowded:
        hall.come().serve("one")
    assert crowded.value.allowed == share
    hall.come().serve("two")
    hall.seats[0].leave()
    hall.come().serve("one")


def test_an_account_that_opens_many_pushes_out_its_own(hall: Hall) -> None:
    others = [hall.come(uid) for uid in range(10)]
    for _ in range(10 * MOST):
        hall.come(4_242)
    assert not set(hall.gone) & set(range(len(others)))
    assert len(hall.table) == MOST


def test_a_connection_leaves_once(hall: Hall) -> None:
    for _ in range(MOST + 1):
        hall.come()
    hall.seats[0].leave()  # as its transport says after it was hung up on
    hall.seats[1].leave()
    hall.seats[1].leave()
    assert len(hall.table) == MOST - 1


def test_a_request_that_outlives_its_connection_takes_no_place(hall: Hall) -> None:
    for _ in range(2 * MOST):
        seat = hall.come()
        seat.leave()
        seat.serve("one")
    assert len(hall.table) == 0
    hall.come().serve("one", share=1)


def test_many_idle_ones_are_dropped_in_linear_time() -> None:
    table = Connections("connections", 10_000)
    for _ in range(200_000):
        table.come(lambda: None)
    assert len(table) == 10_000


def test_calm_says_nothing(hall: Hall) -> None:
    for _ in range(28):
        hall.come()
    assert said(hall.table.problems()) == ()


def test_nearly_full_is_a_problem(hall: Hall) -> None:
    for _ in range(29):
        hall.come()
    assert said(hall.table.problems()) == ("connections 29/32",)


def test_what_was_dropped_or_refused_is_told_for_a_minute(hall: Hall) -> None:
    for _ in range(MOST + 1):
        hall.come()
    with pytest.raises(OwnerCrowded):
        hall.seats[-1].serve("one", share=0)
    words = "connections 32/32: idle ones are dropped and requests are refused"
    for seat in hall.seats:
        seat.leave()
    assert said(hall.table.problems()) == (words.replace("32/", "0/"),)
    hall.now_s += 59
    assert said(hall.table.problems())
    hall.now_s += 2
    assert said(hall.table.problems()) == ()


def test_without_file_descriptors_idle_ones_make_room(hall: Hall) -> None:
    hall.come().serve("one")
    for _ in range(10):
        hall.come()
    hall.table.starved()
    assert hall.gone == list(range(1, 1 + hall.table.turn))
    assert "ulimit -n" in said(hall.table.problems())[-1]


def test_counts_are_shown_in_hundredths() -> None:
    table = Connections("connections", 10_000)
    assert table.shown == 0
    for _ in range(101):
        table.come(lambda: None)
    assert table.shown == 200

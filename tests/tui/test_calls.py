"""The list of calls: it follows, stands still, searches, says how far, and opens one in full."""

import tracemalloc

import pytest
from textual.pilot import Pilot

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.gate import Gate
from quotadeck.tui.kit.reel import HEAD_MOST, LEAVES
from quotadeck.tui.kit.reelpage import LEAF
from quotadeck.tui.pages.calls import Calls
from tests.tui.call_book import PRICE, CallBook, call, night, refused
from tests.tui.driving import choose, quotadeck, quotadeck_of, sees, shown, until
from tests.tui.scenes import fire, usd
from tests.tui.scripted import Scripted, advancing

MOST = HEAD_MOST + LEAVES * LEAF


def source_of(*calls: object, looks: int = 20_000) -> Scripted:
    book = CallBook(list(calls), looks)  # type: ignore[arg-type]
    return Scripted(advancing(fire(), 50), 0.05, book=book, was=lambda _: fire())


def page_of(pilot: Pilot[int]) -> Calls:
    page = quotadeck_of(pilot).screen
    assert isinstance(page, Calls)
    return page


async def opened(pilot: Pilot[int]) -> Calls:
    """The calls of all."""
    await choose(pilot, "analytics")
    await pilot.press("c", "c")
    await until(pilot, lambda: not page_of(pilot).reading)
    return page_of(pilot)


async def test_it_opens_on_the_calls_of_the_row_and_c_shows_all() -> None:
    source = source_of(*night(), call(9, project="analytics", model="o-nine"))
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("c")
        await sees(pilot, "project:analytics", "o-nine")
        assert len(page_of(pilot).reel.rows) == 1
        await pilot.press("c")
        await sees(pilot, "429 budget ×12")
        assert "project:analytics" not in shown(quotadeck_of(pilot))


async def test_it_follows_until_the_cursor_moves_and_again_on_f() -> None:
    source = source_of(*night())
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        page = await opened(pilot)
        source.book.calls.append(call(20, project="newcomer"))
        await sees(pilot, "newcomer", "● following")
        assert page.rows.index == 0
        await pilot.press("j")
        await sees(pilot, "not following, F follows")
        chosen = page.rows.chosen
        source.book.calls.append(call(21, project="latecomer"))
        asked = source.book.asked
        await pilot.pause(0.2)
        assert (page.rows.chosen, source.book.asked) == (chosen, asked)
        await pilot.press("F")
        await sees(pilot, "latecomer", "● following")


async def test_a_calm_gateway_is_not_asked_again_and_again() -> None:
    book = CallBook([*night()])
    source = Scripted(iter((fire(),)), 0.02, book=book)
    app = quotadeck(source)
    async with app.run_test(size=(80, 24)) as pilot:
        page = await opened(pilot)
        page._polled, page._echo_ns = page.news(app.link.snapshot), 0
        await pilot.pause(0.05)
        asked = book.asked
        await pilot.pause(0.3)
        assert book.asked == asked


async def test_a_search_asks_the_gateway_and_says_how_far_it_looked() -> None:
    old = [call(n, ago_ms=7_200_000 - n) for n in range(500)]
    source = source_of(refused(1, ago_ms=7_300_000), *old, *night(), looks=50)
    async with quotadeck(source).run_test(size=(100, 24)) as pilot:
        await opened(pilot)
        await pilot.press("slash", *"refused")
        await sees(pilot, "since:", "an id")
        await pilot.press("enter")
        await sees(pilot, "refused", "4 found, and that is all there is on record")
        assert all(row.call.outcome is Outcome.REFUSED for row in page_of(pilot).reel.rows)
        await pilot.press("escape")
        await sees(pilot, "429 upstream 429")


async def test_a_search_that_finds_little_stops_and_a_key_looks_further() -> None:
    old = [call(n, ago_ms=7_200_000 - n) for n in range(1_000)]
    source = source_of(refused(1, ago_ms=7_300_000), *old, *night(), looks=8)
    async with quotadeck(source).run_test(size=(100, 24)) as pilot:
        page = await opened(pilot)
        await pilot.press("slash", *"refused", "enter")
        await sees(pilot, "3 found, back to 01:0", "↓ looks further")
        looked = source.book.asked
        assert looked < 90
        while page.reel.older is not None:
            await pilot.press("j")
            await until(pilot, lambda: not page.reading)
        await sees(pilot, "4 found, and that is all")


async def test_what_is_no_term_is_told_where_it_is_typed() -> None:
    async with quotadeck(source_of(*night())).run_test(size=(80, 24)) as pilot:
        page = await opened(pilot)
        await pilot.press("slash", *"price:3", "enter")
        await sees(pilot, "'price:3' is no term")
        assert page.filter.text == "price:3"
        await pilot.press("ctrl+u", *"cause:rpm", "enter")
        await sees(pilot, "1 found")


async def test_the_id_that_a_client_holds_is_found_and_what_had_helped_is_told() -> None:
    calls = night()
    source = source_of(*calls)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("slash", *calls[5].id, "enter")
        await sees(pilot, "may cost $0.0069, left $0.0031 of $0.75", "daily budget ≥ $0.7538")
        await pilot.press("enter")
        await sees(pilot, "429 insufficient_quota, x-should-retry: false")
        await pilot.press("q")
        await sees(pilot, "daily budget ≥ $0.7538")


async def test_one_call_tells_its_gates_its_key_and_its_price_line_by_line() -> None:
    money = Gate("project:analytics:budget", usd(500), usd(0.0069), usd(0.0031))
    of_it = refused(6, gates=(money,))
    fits = of_it._replace(project="analytics", key_id="k_b21a86")
    served = call(7, fees_nano_usd=usd(0.0003))
    source = source_of(fits, served, call(8))
    source.book.prices = {fits.id: PRICE, served.id: PRICE}
    async with quotadeck(source).run_test(size=(100, 24)) as pilot:
        await opened(pilot)
        await pilot.press("enter")
        await sees(pilot, "prices 2026-11-01", "price not recorded")
        await pilot.press("q", "j", "enter")
        await sees(pilot, "410 input at $2 a million = $0.00082", "$0.0003 for the call itself")
        await pilot.press("q", "j", "enter")
        await sees(
            pilot, "(prod)", "or max_tokens ≤ 112", "rpm 20/20 · tpm 74,100/80,000, let it pass"
        )
        assert source.asked_at == [fits.at_us]


async def test_an_id_that_was_only_counted_is_answered_by_the_record_of_its_second() -> None:
    calls = night()
    other = calls[6].id[:-1] + "f"
    async with quotadeck(source_of(*calls)).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("slash", *other, "enter")
        await sees(pilot, "only counted: it is one of this record's second", "×12")
        await pilot.press("enter")
        await sees(pilot, "only counted: this is the record of its second", "by 2 keys")


async def test_twenty_thousand_calls_scrolled_by_hold_some_hundreds() -> None:
    source = source_of(*(call(n, ago_ms=200_000_000 - n) for n in range(20_000)), looks=500)
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        page = await opened(pilot)
        tracemalloc.start()
        try:
            for turn in range(1_000):
                page.move(LEAF)
                await until(pilot, lambda: not page.reading)
                assert len(page.reel.rows) <= MOST
                if page.reel.older is None:
                    break
                if turn == 20:
                    early, _ = tracemalloc.get_traced_memory()
            late, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert page.reel.seen == 20_000
        assert late - early < 2_000_000
        await pilot.press("g")
        await until(pilot, lambda: page.rows.index == 0 and not page.reading)
        assert page.reel.rows[0].call.id == source.book.calls[-1].id


async def test_more_than_can_be_read_of_what_is_new_begins_at_the_newest_again() -> None:
    source = source_of(*night())
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        page = await opened(pilot)
        source.book.calls += [refused(n, cause=Cause.RPM) for n in range(100, 3_100)]
        source.book.calls.append(call(9_000, project="newcomer"))
        await sees(pilot, "newcomer")
        assert len(page.reel.rows) <= MOST
        assert page.following


async def test_a_source_that_is_gone_is_told_and_asked_again() -> None:
    source = source_of(*night())
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        page = await opened(pilot)
        page.reel.begin((), None)
        source.gone = True
        page.anew()
        await sees(pilot, "nobody answers")
        source.gone = False
        await sees(pilot, "429 budget ×12")


@pytest.mark.parametrize("size", [(30, 8), (59, 16), (80, 24), (200, 50)])
async def test_it_is_drawn_at_any_size(size: tuple[int, int]) -> None:
    async with quotadeck(source_of(*night())).run_test(size=size) as pilot:
        await opened(pilot)
        await sees(pilot, "429")
        assert all(len(line) <= size[0] for line in shown(quotadeck_of(pilot)).splitlines())

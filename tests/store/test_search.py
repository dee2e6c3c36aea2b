"""A search looks at so many calls and no more, says how far it looked, and misses none."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quotadeck.domain.calls import Outcome
from quotadeck.domain.history import CallSearch
from quotadeck.store import Reader
from quotadeck.store.reading import search as searching
from tests.store.conftest import Opener
from tests.store.values import START_US, ended

LOOKED = 7
PROJECTS, OUTCOMES = ["a", "b"], [Outcome.OK, Outcome.UNKNOWN]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "SEARCHED", LOOKED)
    monkeypatch.setattr(searching, "SEARCHED_APART", LOOKED)


async def pages(reader: Reader, *, newest: bool, limit: int, **asked: Any) -> list[CallSearch]:
    """All pages, each going on where the one before has looked to."""
    found: list[CallSearch] = []
    after, before = 0, None
    while not found or not found[-1].ended:
        page = await reader.search(after=after, before=before, newest=newest, limit=limit, **asked)
        found.append(page)
        after, before = (0, page.looked_to) if newest else (page.looked_to, None)
    return found


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.tuples(st.sampled_from(PROJECTS), st.sampled_from(OUTCOMES)), max_size=40),
    asked=st.fixed_dictionaries(
        {},
        optional={"project": st.sampled_from(PROJECTS), "outcome": st.sampled_from(OUTCOMES)},
    ),
    limit=st.integers(1, 9),
)
async def test_pages_together_have_each_call_once_and_none_looks_too_far(
    open_ledger: Opener, rows: list[tuple[str, Outcome]], asked: dict[str, str], limit: int
) -> None:
    ledger = await open_ledger()
    known = len(await ledger.reader.calls(limit=-1))
    for number, (project, outcome) in enumerate(rows, known):
        ledger.end_call(ended(f"req_{number}", project=project, outcome=outcome))
    await ledger.flushed()
    reader = ledger.reader
    every = await reader.calls(limit=-1)
    wanted = [
        seq
        for seq, call in every
        if asked.get("project") in (None, call.project)
        and asked.get("outcome") in (None, call.outcome)
    ]
    forward = await pages(reader, newest=False, limit=limit, **asked)
    backward = await pages(reader, newest=True, limit=limit, **asked)
    for order in (forward, backward[::-1]):
        assert [seq for page in order for seq, _ in page.rows] == wanted
    edges = [0, *(page.looked_to for page in forward)]
    looked = [sum(low < seq <= high for seq, _ in every) for low, high in pairwise(edges)]
    if "project" not in asked:
        assert max(looked) <= LOOKED
    assert all(len(page.rows) <= limit for page in (*forward, *backward))
    await ledger.close()


async def test_a_page_that_finds_nothing_has_looked_at_so_many(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    for number in range(30):
        ledger.end_call(ended(f"req_{number}", project="b" if number % 2 else "a"))
    await ledger.flushed()

    async def looked(**given: Any) -> CallSearch:
        found = await ledger.reader.search(**given)
        return CallSearch(found.rows, found.looked_to, found.ended)

    assert await looked(model="none") == CallSearch((), LOOKED, ended=False)
    assert await looked(model="none", after=LOOKED) == CallSearch((), 2 * LOOKED, ended=False)
    assert await looked(model="none", after=25) == CallSearch((), 30, ended=True)
    assert await looked(model="none", newest=True) == CallSearch((), 31 - LOOKED, ended=False)
    assert await looked(model="none", newest=True, before=5) == CallSearch((), 1, ended=True)
    of_b = await looked(model="none", project="b")
    assert of_b == CallSearch((), 2 * LOOKED, ended=False)
    ledger.end_call(ended("req_30", model="none"))
    await ledger.flushed()
    later = await ledger.reader.search(model="none", after=30)
    assert ([seq for seq, _ in later.rows], later.looked_to, later.ended) == ([31], 31, True)


async def test_a_page_says_how_far_it_looked(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    for number in range(20):
        ledger.end_call(ended(f"req_{number}", at_us=START_US + number))
    await ledger.flushed()
    newest = await ledger.reader.search(model="none", newest=True)
    assert (newest.looked_us, newest.newest_to) == (START_US + 20 - LOOKED, 20)
    whole = await ledger.reader.search(newest=True, before=LOOKED, limit=10)
    assert (len(whole.rows), whole.looked_us, whole.newest_to) == (LOOKED - 1, None, LOOKED - 1)

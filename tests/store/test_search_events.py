"""Events of a time and a subject: each is on one page, whichever way one leafs."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quotadeck.domain.history import EventSearch
from quotadeck.domain.notice import notice
from quotadeck.domain.snapshot import Event
from quotadeck.store import Reader
from quotadeck.store.reading import events as searching
from tests.store.conftest import Opener
from tests.store.values import START_US

SUBJECTS = ["project:a", "model:b", ""]


async def pages(reader: Reader, *, newest: bool, **asked: Any) -> list[EventSearch]:
    found: list[EventSearch] = []
    after, before = 0, None
    while not found or not found[-1].ended:
        page = await reader.search_events(after=after, before=before, newest=newest, **asked)
        found.append(page)
        after, before = (0, page.looked_to) if newest else (page.looked_to, None)
    return found


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    told=st.lists(st.tuples(st.integers(0, 60), st.sampled_from(SUBJECTS)), max_size=25),
    subject=st.sampled_from(SUBJECTS),
    bounds=st.tuples(st.none() | st.integers(0, 60), st.none() | st.integers(0, 60)),
    limit=st.integers(1, 6),
)
async def test_pages_together_have_each_event_once(
    open_ledger: Opener,
    monkeypatch: pytest.MonkeyPatch,
    told: list[tuple[int, str]],
    subject: str,
    bounds: tuple[int | None, int | None],
    limit: int,
) -> None:
    monkeypatch.setattr(searching, "LOOKED_AT", 7)
    ledger = await open_ledger()
    known = len(await ledger.reader.events(limit=-1))
    for number, (second, of) in enumerate(told, known):
        at_us = START_US + second * 1_000_000
        ledger.event(Event(f"evt_{number}", at_us, of, notice("told", text="it")))
    await ledger.flushed()
    since_us, until_us = (None if b is None else START_US + b * 1_000_000 for b in bounds)
    wanted = [
        seq
        for seq, event in await ledger.reader.events(limit=-1)
        if subject in ("", event.subject)
        and (since_us is None or event.at_us >= since_us)
        and (until_us is None or event.at_us < until_us)
    ]
    asked: dict[str, Any] = {"since_us": since_us, "until_us": until_us, "limit": limit}
    for newest in (False, True):
        found = await pages(ledger.reader, newest=newest, subject=subject, **asked)
        order = found[::-1] if newest else found
        assert [seq for page in order for seq, _ in page.rows] == wanted
        assert all(len(page.rows) <= limit for page in found)
    await ledger.close()

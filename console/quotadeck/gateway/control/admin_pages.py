"""What the admin API lists: pages by cursor out of the store, the audit and the keys.

Pages are JSON already, since a long one is made in slices. A cursor reads ``epoch:sequence``; one
of another epoch belongs to a ledger that is no longer here.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import orjson

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Entry, Field
from quotadeck.domain.days import micros, rfc3339
from quotadeck.domain.history import CallSearch, EventSearch
from quotadeck.domain.notice import Fact
from quotadeck.domain.pages import CallRow, EventRow, KeyRow, KeysPage
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.series import WITH_SERIES
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.text import clean
from quotadeck.gateway.control.admin_answers import audit_json
from quotadeck.gateway.control.admin_error import AdminRefusal
from quotadeck.gateway.control.desk import Desk
from quotadeck.store import Reader
from quotadeck.wire.objects import dump, plain
from quotadeck.words import say

MAX_ROWS: Final = 1_000
MAX_SUBJECTS: Final = 200
MAX_MINUTES: Final = 2_880
MAX_CELLS: Final = 12_000
"""Minutes of all subjects of one answer: some 300 kB, some ten milliseconds."""
_SLICE_ROWS: Final = 16
_PERIODS: Final = ("minute", "hour", "day")
OUTCOMES: Final = tuple(Outcome)
CAUSES: Final = tuple(cause for cause in Cause if cause is not Cause.NONE)
_CALLS_BY: Final = ("project", "model", "target", "outcome", "cause", "key")

Asked = Mapping[str, str]
T = TypeVar("T")


async def calls(asked: Asked, reader: Reader, epoch: int) -> bytes:
    """``GET calls?after=&limit=|last=&before=``, with ``project=&model=&target=&outcome=&cause=``
    and ``key=&since=&until=``, or ``?id=&project=``.

    Under an id there is that call; where it was refused and only counted, the records of which it
    may be one. Of the call itself the price is told, too, where that is on record.
    """
    if "id" in asked:
        _only(asked, "id", "project")
        one = await reader.call(asked["id"], asked.get("project", ""))
        known = list(zip(one.seqs, one.calls, strict=True)) if one else []
        price = await reader.price(one.calls[0]) if one and one.is_own else None
        return await _page(
            known,
            lambda row: dump(CallRow(*row)),
            next_cursor=f"{epoch}:{known[-1][0] if known else 0}",
            before_cursor=f"{epoch}:{known[0][0]}" if known else None,
            price=plain(price) if price else None,
        )
    _only(
        asked,
        *("after", "limit", "last", "before", *_CALLS_BY, "since", "until"),
    )
    for name, words in (("outcome", OUTCOMES), ("cause", CAUSES)):
        if asked.get(name, "") not in ("", *words):
            raise _wrong("admin.one_of", name, asked[name], allowed=words)
    last = _newest(asked)
    found = await reader.search(
        after=_cursor(asked, epoch),
        before=_cursor(asked, epoch, "before") if "before" in asked else None,
        limit=last or _limit(asked),
        newest=last is not None,
        **{name: asked[name] for name in _CALLS_BY if name in asked},
        since_us=_instant(asked, "since"),
        until_us=_instant(asked, "until"),
    )
    return await _page(
        found.rows,
        lambda row: dump(CallRow(*row)),
        **_further(found, epoch, last),
        looked=None if found.looked_us is None else rfc3339(found.looked_us),
    )


async def events(asked: Asked, reader: Reader, epoch: int) -> bytes:
    """``GET events?after=&limit=|last=&before=&subject=&since=&until=``."""
    _only(asked, "after", "limit", "last", "before", "subject", "since", "until")
    last = _newest(asked)
    found = await reader.search_events(
        after=_cursor(asked, epoch),
        before=_cursor(asked, epoch, "before") if "before" in asked else None,
        limit=last or _limit(asked),
        newest=last is not None,
        subject=asked.get("subject", ""),
        since_us=_instant(asked, "since"),
        until_us=_instant(asked, "until"),
    )
    return await _page(
        found.rows,
        lambda row: dump(EventRow(*row), text=say(row[1].told)),
        **_further(found, epoch, last),
    )


async def rollups(asked: Asked, reader: Reader, epoch: int) -> bytes:
    """``GET rollups?per=minute|hour|day&after=&limit=&project=&since=``."""
    _only(asked, "per", "after", "limit", "project", "since")
    per = asked.get("per", "minute")
    if per not in _PERIODS:
        raise _wrong("admin.one_of", "per", per, allowed=_PERIODS)
    if "since" in asked and per == "day":
        raise _invalid("admin.since_of_days")
    after = _cursor(asked, epoch)
    rows = await reader.rollups(
        per=per,
        after=after,
        limit=_limit(asked),
        project=asked.get("project", ""),
        since_us=_instant(asked, "since"),
    )
    cursor = f"{epoch}:{rows[-1].seq if rows else after}"
    return await _page(rows, dump, next_cursor=cursor)


async def series(asked: Asked, named: Sequence[str], reader: Reader, now_us: int) -> bytes:
    """``GET series?subject=&subject=…&minutes=&until=``: a row a subject, in the order asked.

    Where none is named it is the gateway.
    """
    _only(asked, "subject", "minutes", "until")
    texts = named or [f"{SubjectKind.GATEWAY}:"]
    minutes = _number(asked, "minutes", 1, MAX_MINUTES, 15)
    if len(texts) > MAX_SUBJECTS or len(texts) * minutes > MAX_CELLS:
        raise _invalid(
            "admin.series_size",
            subjects=len(texts),
            minutes=minutes,
            most=MAX_SUBJECTS,
            cells=MAX_CELLS,
        )
    subjects = [Subject.parse(text) for text in texts]
    for subject, text in zip(subjects, texts, strict=True):
        if subject.kind not in WITH_SERIES:
            raise _wrong("admin.no_series", "subject", text, allowed=WITH_SERIES)
    page = await reader.series(
        subjects, minutes=minutes, until_us=_instant(asked, "until"), now_us=now_us
    )
    return dump(page)


async def levels(asked: Asked, reader: Reader, epoch: int) -> bytes:
    """``GET levels?after=&limit=&bucket=``."""
    _only(asked, "after", "limit", "bucket")
    after = _cursor(asked, epoch)
    rows = await reader.levels(after=after, limit=_limit(asked), bucket=asked.get("bucket", ""))
    cursor = f"{epoch}:{rows[-1].seq if rows else after}"
    return await _page(rows, dump, next_cursor=cursor)


async def audit(asked: Asked, desk: Desk, now_us: int) -> bytes:
    """``GET audit?before_seq=&limit=&subject=``; the desk knows what is in force."""
    _only(asked, "before_seq", "limit", "subject")
    limit, subject = _limit(asked), asked.get("subject", "")
    before = _number(asked, "before_seq", 1, 2**62, 2**62)
    found = await desk.log.page(before_seq=before, limit=limit + 1, subject=subject)
    rows = found[:limit]
    return await _page(
        rows,
        lambda entry: audit_json(entry, in_force=desk.living(entry, now_us)),
        next_before_seq=rows[-1].seq if len(found) > limit else None,
    )


def keys(asked: Asked, desk: Desk, now_us: int) -> KeysPage:
    """``GET keys``: those in force, in the order in which they were added."""
    _only(asked)
    added = [
        entry
        for subject, name in desk.layers.by_slot
        if name == Field.KEY
        and (entry := desk.layers.in_force(subject, name, now_us).entry) is not None
    ]
    return KeysPage(tuple(map(_key_row, sorted(added, key=lambda entry: entry.seq))))


async def _page(rows: Sequence[T], told: Callable[[T], bytes], **rest: Any) -> bytes:
    """A page as JSON. Other requests get their turn every millisecond or so."""
    parts: list[orjson.Fragment] = []
    for start in range(0, len(rows), _SLICE_ROWS):
        parts += (orjson.Fragment(told(row)) for row in rows[start : start + _SLICE_ROWS])
        await asyncio.sleep(0)
    return orjson.dumps({"rows": parts, **rest})


def _key_row(entry: Entry) -> KeyRow:
    key = entry.value
    assert isinstance(key, ProjectKey)
    return KeyRow(
        id=entry.subject.name,
        projects=key.projects,
        label=key.label,
        added_at_us=entry.at_us,
        added_by=entry.actor,
    )


def _only(asked: Asked, *allowed: str) -> None:
    for name in asked:
        if name not in allowed:
            kind = "admin.no_parameter" if allowed else "admin.no_parameter.none"
            raise _invalid(kind, name=clean(name, 80), allowed=allowed)


def _limit(asked: Asked) -> int:
    return _number(asked, "limit", 1, MAX_ROWS, 100)


def _last(asked: Asked) -> int | None:
    if "last" not in asked:
        return None
    if "after" in asked or "limit" in asked:
        raise _invalid("admin.last_alone")
    return _number(asked, "last", 1, MAX_ROWS, 1)


def _newest(asked: Asked) -> int | None:
    last = _last(asked)
    if "before" in asked and last is None:
        raise _invalid("admin.before_without_last")
    return last


def _further(found: CallSearch | EventSearch, epoch: int, last: int | None) -> dict[str, Any]:
    """Where a search that asked for the ``last`` so many, or for those after a cursor, goes on."""
    return {
        "next_cursor": f"{epoch}:{found.looked_to if last is None else found.newest_to}",
        "more": not found.ended,
        "before_cursor": None if last is None else f"{epoch}:{found.looked_to}",
    }


def _number(asked: Asked, name: str, low: int, high: int, absent: int) -> int:
    text = asked.get(name)
    if text is None:
        return absent
    if not (text.isascii() and text.isdecimal() and len(text) <= 20 and low <= int(text) <= high):
        raise _wrong("admin.not_in_range", name, text, low=low, high=high)
    return int(text)


def _cursor(asked: Asked, epoch: int, name: str = "after") -> int:
    text = asked.get(name)
    if text is None:
        return 0
    of, _, seq = text.partition(":")
    if not all(part.isascii() and part.isdecimal() and len(part) <= 18 for part in (of, seq)):
        raise _wrong("admin.no_cursor", name, text)
    if int(of) != epoch:
        raise AdminRefusal(
            410,
            "gone",
            "admin.other_ledger",
            cursor=text,
            epoch=int(of),
            ours=epoch,
            name=name,
        )
    return int(seq)


def past_instant(asked: Asked, now_us: int) -> int:
    """Where ``at`` alone is asked: an instant that is not to come."""
    _only(asked, "at")
    at_us = _instant(asked, "at")
    assert at_us is not None
    if at_us > now_us:
        raise _wrong("admin.to_come", "at", asked["at"])
    return at_us


def span_of(asked: Asked, now_us: int) -> tuple[int, int]:
    """``since`` and ``until`` alone are asked; the end is now where it is not given."""
    _only(asked, "since", "until")
    since_us, until_us = _instant(asked, "since"), _instant(asked, "until") or now_us
    if since_us is None:
        raise _invalid("admin.since_missing")
    if since_us >= until_us:
        raise _wrong("admin.span_empty", "since", asked["since"])
    return since_us, min(until_us, now_us)


def _instant(asked: Asked, name: str) -> int | None:
    if name not in asked:
        return None
    try:
        return max(0, micros(asked[name]))  # nothing was before 1970
    except (ValueError, OverflowError):
        raise _wrong("admin.no_instant", name, asked[name]) from None


def _wrong(kind: str, name: str, found: str, **allowed: Fact) -> AdminRefusal:
    return _invalid(kind, name=name, found=clean(found, 80), **allowed)


def _invalid(kind: str, /, **facts: Fact) -> AdminRefusal:
    return AdminRefusal(400, "invalid", kind, **facts)

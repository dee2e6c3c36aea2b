"""What the admin API lists: pages by cursor out of the store, the audit and the keys.

Pages are JSON already, since a long one is made in slices. A cursor reads ``epoch:sequence``; one
of another epoch belongs to a ledger that is no longer here.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeVar

from pydantic import BaseModel

from quotadeck.domain.calls import Outcome
from quotadeck.domain.commands import Entry, Field
from quotadeck.domain.days import micros, rfc3339
from quotadeck.domain.text import clean
from quotadeck.domain.wording import bare
from quotadeck.gateway.admin_error import AdminRefusal
from quotadeck.gateway.desk import Desk
from quotadeck.store import Reader
from quotadeck.wire.messages import (
    AuditPage,
    CallsPage,
    EventsPage,
    KeyRow,
    KeysAnswer,
    LevelsPage,
    RollupsPage,
)
from quotadeck.wire.translate import audit_row, call_row, event_row, level_row, rollup_row

MAX_ROWS: Final = 1_000
_SLICE_ROWS: Final = 8

Asked = Mapping[str, str]
T = TypeVar("T")


async def calls(asked: Asked, reader: Reader, epoch: int) -> str:
    """``GET calls?after=&limit=|last=&project=&model=&outcome=``."""
    _only(asked, "after", "limit", "last", "project", "model", "outcome")
    outcome = asked.get("outcome", "")
    if outcome and outcome not in set(Outcome):
        raise _invalid("outcome", outcome, f"one of {', '.join(Outcome)}")
    after, limit, last = _cursor(asked, epoch), _limit(asked), _last(asked)
    rows = await reader.calls(
        after=after,
        limit=limit,
        last=last,
        project=asked.get("project", ""),
        model=asked.get("model", ""),
        outcome=outcome,
    )
    page = CallsPage(rows=(), next_cursor=f"{epoch}:{rows[-1][0] if rows else after}")
    return await _filled(page, rows, lambda row: call_row(*row))


async def events(asked: Asked, reader: Reader, epoch: int) -> str:
    """``GET events?after=&limit=|last=``."""
    _only(asked, "after", "limit", "last")
    after = _cursor(asked, epoch)
    rows = await reader.events(after=after, limit=_limit(asked), last=_last(asked))
    page = EventsPage(rows=(), next_cursor=f"{epoch}:{rows[-1][0] if rows else after}")
    return await _filled(page, rows, lambda row: event_row(*row))


async def rollups(asked: Asked, reader: Reader, epoch: int) -> str:
    """``GET rollups?per=minute|day&after=&limit=&project=&since=``."""
    _only(asked, "per", "after", "limit", "project", "since")
    per = asked.get("per", "minute")
    if per not in ("minute", "day"):
        raise _invalid("per", per, "minute or day")
    if "since" in asked and per == "day":
        raise AdminRefusal(400, "invalid", "since is for per=minute: leave it out for days")
    after = _cursor(asked, epoch)
    rows = await reader.rollups(
        per=_per(per),
        after=after,
        limit=_limit(asked),
        project=asked.get("project", ""),
        since_us=_since(asked),
    )
    page = RollupsPage(rows=(), next_cursor=f"{epoch}:{rows[-1].seq if rows else after}")
    return await _filled(
        page,
        rows,
        lambda row: rollup_row(
            period=row.day or rfc3339(row.minute_us or 0),
            project=row.project,
            model=row.model,
            forwarded=row.forwarded,
            upstream_errors=row.upstream_errors,
            client_errors=row.client_errors,
            unknown=row.unknown,
            refused=row.refused,
            input_tokens=row.input_tokens,
            cached_tokens=row.cached_tokens,
            output_tokens=row.output_tokens,
            cost_nano_usd=row.cost_nano_usd,
            latency=row.latency,
        ),
    )


async def levels(asked: Asked, reader: Reader, epoch: int) -> str:
    """``GET levels?after=&limit=&bucket=``."""
    _only(asked, "after", "limit", "bucket")
    after = _cursor(asked, epoch)
    rows = await reader.levels(after=after, limit=_limit(asked), bucket=asked.get("bucket", ""))
    page = LevelsPage(rows=(), next_cursor=f"{epoch}:{rows[-1].seq if rows else after}")
    return await _filled(
        page,
        rows,
        lambda row: level_row(at_us=row.at_us, bucket=row.bucket, least=row.least, last=row.last),
    )


async def audit(asked: Asked, desk: Desk, now_us: int) -> str:
    """``GET audit?before_seq=&limit=&subject=``; the desk knows what is in force."""
    _only(asked, "before_seq", "limit", "subject")
    limit, subject = _limit(asked), asked.get("subject", "")
    before = _number(asked, "before_seq", 1, 2**62, 2**62)
    found = await desk.log.page(before_seq=before, limit=limit + 1, subject=subject)
    rows = found[:limit]
    page = AuditPage(rows=(), next_before_seq=rows[-1].seq if len(found) > limit else None)
    return await _filled(
        page, rows, lambda entry: audit_row(entry, in_force=desk.living(entry, now_us))
    )


async def keys(asked: Asked, desk: Desk, now_us: int) -> KeysAnswer:
    """``GET keys``: those in force, in the order in which they were added."""
    _only(asked)
    added = [
        entry
        for subject, name in desk.layers.by_slot
        if name is Field.KEY
        and (entry := desk.layers.in_force(subject, name, now_us).entry) is not None
    ]
    return KeysAnswer(keys=tuple(map(_key_row, sorted(added, key=lambda entry: entry.seq))))


async def _filled(page: BaseModel, rows: Sequence[T], made: Callable[[T], BaseModel]) -> str:
    """The page, which has no rows yet, as JSON with these rows in it.

    Other requests get their turn every millisecond or so.
    """
    told: list[str] = []
    for start in range(0, len(rows), _SLICE_ROWS):
        told += (made(row).model_dump_json() for row in rows[start : start + _SLICE_ROWS])
        await asyncio.sleep(0)
    return page.model_dump_json().replace('"rows":[]', f'"rows":[{",".join(told)}]', 1)


def _key_row(entry: Entry) -> KeyRow:
    facts = json.loads(str(entry.value))
    return KeyRow(
        id=bare(entry.subject),
        projects=tuple(facts["projects"]),
        label=facts["label"],
        added_at=rfc3339(entry.at_us),
        added_by=entry.actor,
    )


def _per(per: str) -> Literal["minute", "day"]:
    return "day" if per == "day" else "minute"


def _only(asked: Asked, *allowed: str) -> None:
    for name in asked:
        if name not in allowed:
            takes = f"it takes {', '.join(allowed)}" if allowed else "it takes none"
            raise AdminRefusal(
                400, "invalid", f"there is no parameter {clean(name, 80)!r}: {takes}"
            )


def _limit(asked: Asked) -> int:
    return _number(asked, "limit", 1, MAX_ROWS, 100)


def _last(asked: Asked) -> int | None:
    if "last" not in asked:
        return None
    if "after" in asked or "limit" in asked:
        raise AdminRefusal(400, "invalid", "last stands alone: leave out after and limit")
    return _number(asked, "last", 1, MAX_ROWS, 1)


def _number(asked: Asked, name: str, low: int, high: int, absent: int) -> int:
    text = asked.get(name)
    if text is None:
        return absent
    if not (text.isascii() and text.isdecimal() and len(text) <= 20 and low <= int(text) <= high):
        raise _invalid(name, text, f"a whole number in {low} … {high}")
    return int(text)


def _cursor(asked: Asked, epoch: int) -> int:
    text = asked.get("after")
    if text is None:
        return 0
    of, _, seq = text.partition(":")
    if not all(part.isascii() and part.isdecimal() and len(part) <= 18 for part in (of, seq)):
        raise _invalid("after", text, "a cursor as a page gave it, epoch:sequence")
    if int(of) != epoch:
        raise AdminRefusal(
            410,
            "gone",
            f"the cursor {text} is of another ledger (epoch {int(of)}, this one is {epoch}): "
            "start again without after",
        )
    return int(seq)


def _since(asked: Asked) -> int | None:
    if "since" not in asked:
        return None
    try:
        return micros(asked["since"])
    except (ValueError, OverflowError):
        raise _invalid("since", asked["since"], "an instant such as 2026-11-24T03:02:00Z") from None


def _invalid(name: str, found: str, allowed: str) -> AdminRefusal:
    return AdminRefusal(400, "invalid", f"{name} is {clean(found, 80)!r}: it takes {allowed}")

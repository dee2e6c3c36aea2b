"""What applications hold of a project's quota ahead of their calls, and who waits in them."""

from collections.abc import Sequence
from typing import Final

from quotadeck.domain.lease import LeaseRow, LeasesPage, ManagerRow
from quotadeck.domain.money import usd_short
from quotadeck.tui.columns.parts import At
from quotadeck.tui.kit.fit import fit_middle, folded
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.kit.table import table
from quotadeck.words import text
from quotadeck.words.numbers import NONE, short
from quotadeck.words.times import local

MOST: Final = 6
"""Leases and managers that are told one by one, those in which somebody waits first."""
_TOLD_LATE_MS: Final = 10_000
_NAME: Final = 28
_TITLES: Final = ("leases", "requests", "tokens", "money", "drew", "until")

Held = tuple[LeaseRow | None, ManagerRow | None]
"""A lease and the manager that holds it: one without the other, too."""


def of_project(page: LeasesPage | None, project: str) -> list[Held]:
    """What is leased of a project and who waits for it, those that wait longest first."""
    if page is None:
        return []
    managers = [one for one in page.managers if one.project == project]
    holding = {one.lease_id: one for one in managers if one.lease_id}
    leases = [one for one in page.leases if one.project == project]
    alive = {one.id for one in leases}
    found: list[Held] = [(one, holding.get(one.id)) for one in leases]
    found += [(None, one) for one in managers if one.lease_id not in alive and one.waiting]
    return sorted(found, key=lambda one: -longest_ms(one[1]))


def longest_ms(manager: ManagerRow | None) -> int:
    """How long the first of those has waited who wait in it; negative for nobody."""
    return max((one.longest_ms for one in manager.waiting), default=-1) if manager else -1


def lease_lines(page: LeasesPage | None, project: str, at: At, width: int) -> list[Line]:
    """A line a lease, and under it who waits; none where nobody leases and nobody waits."""
    found = of_project(page, project)
    if page is None or not found:
        return []
    shown = found[:MOST]
    rows = [tuple(Span(text(f"lease.title.{title}"), "dim") for title in _TITLES)]
    rows += [_row(lease, manager, at) for lease, manager in shown]
    lines = table(rows, width - 1, " >>>>")
    told = lines[:1]
    for line, (_, manager) in zip(lines[1:], shown, strict=True):
        told += [line, *_waiting(manager, page, at, width - 5)]
    if len(found) > MOST:
        rest = [lease for lease, _ in found[MOST:] if lease]
        told.append((Span(f"  {text('lease.rest', count=len(found) - MOST, **_sums(rest))}"),))
    return [crop([Span(" "), *line], width) for line in told]


def lease_name(lease: LeaseRow) -> str:
    """The manager's name where it told one, else the lease's own end; and whose key it is."""
    return text("lease.name", name=lease.manager or fit_middle(lease.id, 18), key=lease.key_id[-6:])


def _row(lease: LeaseRow | None, manager: ManagerRow | None, at: At) -> tuple[Span, ...]:
    if lease is None:
        name = manager.name or manager.key_id if manager else ""
        none = Span(text("lease.none"), at.quiet("attention"))
        return (Span(f"  {fit_middle(name, _NAME)}"), *[Span(NONE, "dim")] * 4, none)
    drew = text("lease.drew", count=lease.calls)
    return (
        Span(f"  {fit_middle(lease_name(lease), _NAME)}"),
        _figure(None if lease.requests is None else short(lease.requests)),
        _figure(None if lease.tokens is None else short(lease.tokens)),
        _figure(None if lease.nano_usd is None else usd_short(lease.nano_usd)),
        Span(drew, "dim" if not lease.calls else "normal"),
        Span(f"{local(lease.until_us, at.zone):%H:%M:%S}", "normal"),
    )


def _figure(said: str | None) -> Span:
    return Span(NONE, "dim") if said is None else Span(said)


def _waiting(manager: ManagerRow | None, page: LeasesPage, at: At, room: int) -> list[Line]:
    """Who waits how long for what; how old that is, where it was not told just now."""
    if manager is None or not manager.waiting:
        return []
    told_ms = manager.age_ms + max(0, at.now.now_us - page.at_us) // 1_000
    late = told_ms if told_ms >= _TOLD_LATE_MS else None
    said = [
        text(
            "lease.waits",
            count=one.count,
            who=one.who,
            limit=one.limit,
            longest_ms=one.longest_ms,
            priority=one.priority or None,
        )
        for one in manager.waiting
    ]
    joined = text("lease.waiting", waits=" · ".join(said), told_ms=late)
    return [(Span("    "), Span(part, at.quiet("attention"))) for part in folded(joined, room)]


def _sums(leases: Sequence[LeaseRow]) -> dict[str, int]:
    return {
        "requests": sum(one.requests or 0 for one in leases),
        "tokens": sum(one.tokens or 0 for one in leases),
        "nano": sum(one.nano_usd or 0 for one in leases),
    }

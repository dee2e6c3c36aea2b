"""One reading of the gateway: ``status``, ``projects``, ``models``."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click

from quotadeck import words
from quotadeck.cli.exits import Exit
from quotadeck.cli.fold import folded
from quotadeck.cli.listing import shaped, watched
from quotadeck.cli.reach import gateway_options, talking
from quotadeck.cli.show import clock, emit, say
from quotadeck.cli.table import Figure, Shape, print_table
from quotadeck.cli.terminal import terminal_width
from quotadeck.domain.ages import age, remaining, share
from quotadeck.domain.capability import FigureKind
from quotadeck.domain.commands import Role
from quotadeck.domain.days import rfc3339
from quotadeck.domain.layers import Layer
from quotadeck.domain.money import usd_exact, usd_short
from quotadeck.domain.rules import Measure, rules_of
from quotadeck.domain.snapshot import (
    AnyRow,
    Change,
    Flow,
    LimitedRow,
    ProjectRow,
    RouteRow,
    Snapshot,
    TargetRow,
    Vitals,
    Whoami,
    limit_on,
    used_on,
)
from quotadeck.domain.state import StateKind, Urgency
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.text import clean, counted
from quotadeck.domain.totals import Totals, totals
from quotadeck.domain.typed import duration_words
from quotadeck.sources import Reading
from quotadeck.wire.objects import plain
from quotadeck.words.commands import value
from quotadeck.words.numbers import latency, three
from quotadeck.words.states import lines_of

_PASSING: Final = "vital.loop_lag"


def _read(socket: Path | None) -> Reading:
    with talking(socket) as gateway:
        return gateway.snapshot()


@click.command(epilog="\b\n" + words.text("examples.status"))
@watched
@gateway_options
def status(*, socket: Path | None, as_json: bool) -> int:
    """How the gateway is, what is in force, what happened last."""
    reading = _read(socket)
    snapshot, whoami = reading.snapshot, reading.whoami
    if as_json:
        emit(_status_json(snapshot, whoami))
    else:
        for line in _status_lines(snapshot, whoami):
            say(folded(line, terminal_width()))
    return exit_of(snapshot.vitals)


def exit_of(vitals: Vitals) -> int:
    """A loop that is late for less than a minute is a busy machine's, and nothing wrong."""
    wrong = any(problem.kind != _PASSING for problem in vitals.problems)
    return Exit.REFUSED if wrong else Exit.OK


@click.command()
@shaped
@watched
@gateway_options
def projects(*, socket: Path | None, as_json: bool, shape: Shape) -> int:
    """The projects: limits, use, money, errors, state.

    Used is what was taken in the last minute, and fail what failed of it; today the money since the
    project's midnight; p95 is of the last five minutes.
    """
    snapshot = _read(socket).snapshot
    if as_json:
        emit(_instants(snapshot) | {"projects": snapshot.projects})
        return Exit.OK
    limits = _limit_heads(SubjectKind.PROJECT)
    heads = ("project", "name", "prio", "state", *limits, "fail", "p95")
    rows = [_project_cells(row, snapshot) for row in snapshot.projects]
    right = "    " + ">" * (len(limits) + 2)
    spare = ("name", "prio", "slots", "tpm", "tpm_used", "p95", "rpm", "rpm_used")
    print_table(heads, rows, right=right, spare=spare, least={"state": 26}, shape=shape)
    return Exit.OK


@click.command()
@click.option("--targets", "targets_alone", is_flag=True, help=words.text("help.targets"))
@shaped
@watched
@gateway_options
def models(*, socket: Path | None, as_json: bool, shape: Shape, targets_alone: bool) -> int:
    """The models that clients ask for, and the targets behind them.

    With --csv or --columns it is the models alone, or with --targets the targets.
    """
    snapshot = _read(socket).snapshot
    if as_json:
        emit(_instants(snapshot) | {"models": snapshot.routes, "targets": snapshot.targets})
        return Exit.OK
    routes = [
        (row.id, row.serving, _state(row, snapshot), " → ".join(row.targets))
        for row in snapshot.routes
    ]
    if not targets_alone:
        heads = ("model", "served by", "state", "route")
        print_table(
            heads, routes, spare=("route",), least={"state": 30, "served_by": 20}, shape=shape
        )
        if shape.csv or shape.columns:
            return Exit.OK
        say()
    targets = [_target_cells(row, snapshot) for row in snapshot.targets]
    limits = _limit_heads(SubjectKind.TARGET)
    heads_of = ("target", "state", *limits, "in flight", "429s/min", "fail", "p95")
    right = "  " + ">" * (len(limits) + 4)
    spare = ("p95", "tpm", "tpm_used", "in_flight", "429s_per_min")
    least = {"state": 26}
    print_table(heads_of, targets, right=right, spare=spare, least=least, shape=shape)
    return Exit.OK


def _instants(snapshot: Snapshot) -> dict[str, Any]:
    return {"at": rfc3339(snapshot.at_us), "now_ms": snapshot.now_ms}


def _project_cells(row: ProjectRow, snapshot: Snapshot) -> tuple[str, ...]:
    flow = row.flow
    return (
        row.id,
        row.name,
        row.priority,
        _state(row, snapshot),
        *_limit_cells(SubjectKind.PROJECT, row),
        *_ends_cells(flow),
    )


def _ends_cells(flow: Flow) -> tuple[str, str]:
    """What failed of what ended, and how long most took."""
    failed = round(flow.failed_60s / flow.ended_60s, 4) if flow.ended_60s else ""
    p95_ms = "" if flow.p95_ms is None else flow.p95_ms
    return (
        Figure(share(flow.failed_60s, flow.ended_60s), failed),
        Figure(latency(flow.p95_ms), p95_ms),
    )


def _target_cells(row: TargetRow, snapshot: Snapshot) -> tuple[str, ...]:
    flow = row.flow
    return (
        row.id,
        _state(row, snapshot),
        *_limit_cells(SubjectKind.TARGET, row),
        str(flow.in_flight),
        str(row.upstream_429_60s),
        *_ends_cells(flow),
    )


def _limit_heads(kind: SubjectKind) -> list[str]:
    """The columns of the limits that such a row can have."""
    heads: list[str] = []
    for rule in rules_of(kind):
        match rule.measure:
            case Measure.RATE:
                heads += (rule.name, "used")
            case Measure.SLOTS:
                heads.append(rule.name)
            case Measure.MONEY:
                heads += ("today", rule.name)
    return heads


def _limit_cells(kind: SubjectKind, row: LimitedRow) -> list[str]:
    """Each limit, and what is taken of it."""
    cells: list[str] = []
    for rule in rules_of(kind):
        limit, used = limit_on(row, rule.field), used_on(row, rule.field)
        match rule.measure:
            case Measure.RATE:
                most = three(limit.limit) if limit else "–"
                cells += (Figure(most, limit.limit if limit else ""), Figure(three(used), used))
            case Measure.SLOTS:
                cells.append(f"{used}/{limit.limit}" if limit else str(used))
            case Measure.MONEY:
                most = usd_short(limit.limit) if limit else "–"
                cells += (
                    Figure(usd_short(used), usd_exact(used)),
                    Figure(most, usd_exact(limit.limit) if limit else ""),
                )
    return cells


def _state(row: AnyRow, snapshot: Snapshot) -> str:
    """What holds of the row, in the console's words, and what is in force on it."""
    words = lines_of(row.state, snapshot.now_ms, snapshot.at_us)
    if row.state.kind is StateKind.OK:
        words.insert(0, "ok")
    if isinstance(row, RouteRow) and row.targets[:1] != (row.serving,):
        ends = next((c.until_us for c in row.changes if c.field == "target" and c.until_us), None)
        words.append(f"forced{_left(ends, snapshot.at_us)}")
    elif any(change.field != "paused" for change in row.changes):
        words.append("changed")
    return "; ".join(words)


def _left(until_us: int | None, at_us: int) -> str:
    return f" {remaining(until_us - at_us)} left" if until_us else ""


def _totals(snapshot: Snapshot) -> Totals:
    """The gateway decided on all that it tells."""
    return totals([(FigureKind.ENFORCED, snapshot.projects)])[FigureKind.ENFORCED]


def _in_force(snapshot: Snapshot) -> Iterable[tuple[Subject, Change]]:
    for kind, rows in (
        (SubjectKind.PROJECT, snapshot.projects),
        (SubjectKind.MODEL, snapshot.routes),
        (SubjectKind.TARGET, snapshot.targets),
    ):
        for row in rows:
            yield from ((Subject(kind, row.id), change) for change in row.changes)


def _status_json(snapshot: Snapshot, whoami: Whoami) -> dict[str, Any]:
    sums = _totals(snapshot)
    return {
        "at": rfc3339(snapshot.at_us),
        "whoami": whoami,
        "gateway": snapshot.vitals,
        "totals": {
            "projects": sums.projects,
            "paused": sums.paused,
            "in_trouble": sums.in_trouble,
            "requests_60s": sums.requests,
            "refused_60s": sums.refused,
            "strangers_refused_60s": snapshot.vitals.strangers_refused_60s,
            "ended_60s": sums.ended,
            "failed_60s": sums.failed,
            "in_flight": sums.in_flight,
            "spent_60s_nano_usd": sums.minute_nano,
            "unpriced_60s": sums.unpriced,
            "spent_today_nano_usd": sums.today_nano,
            "budget_today_nano_usd": sums.budget_nano,
        },
        "in_force": [
            {"subject": str(subject)} | plain(change) for subject, change in _in_force(snapshot)
        ],
        "events": [plain(event) | {"text": words.say(event.told)} for event in snapshot.events],
    }


def _backup(snapshot: Snapshot) -> str:
    made_us = snapshot.vitals.backup_us
    return "none yet" if made_us is None else f"{age((snapshot.at_us - made_us) // 1_000)} old"


def _status_lines(snapshot: Snapshot, whoami: Whoami) -> Iterable[str]:
    vitals, sums = snapshot.vitals, _totals(snapshot)
    said = lines_of(vitals.state, snapshot.now_ms, snapshot.at_us)
    health = "; ".join([*said, *map(words.say, vitals.problems)])
    health = health or "ok"
    up = duration_words(max(0, snapshot.at_us - vitals.started_us) // 1_000)
    yield f"{clean(vitals.name)}  gateway {clean(vitals.version)}, up {up}: {clean(health, 400)}"
    yield f"you are {clean(whoami.actor)} ({whoami.role}{_cannot(whoami.role)})"
    if snapshot.here:
        yield clean(words.text("status.here", who=_here(snapshot.here)), 400)
    yield (
        f"loop lag {vitals.loop_lag_ms} ms   journal backlog {vitals.backlog_records}   "
        f"disk free {vitals.disk_free_percent}%   memory {vitals.memory_mb} MB   "
        f"backup {_backup(snapshot)}"
    )
    yield (
        f"connections {vitals.connections:,}/{vitals.connections_most:,}   "
        f"admin connections {vitals.admin_connections}/{vitals.admin_connections_most}"
    )
    yield (
        f"{counted(sums.projects, 'project')} ({sums.paused} paused, "
        f"{sums.in_trouble} in trouble)   {three(sums.requests)} requests/min, "
        f"{three(sums.refused)} refused{_of_strangers(snapshot)}   "
        f"failed {share(sums.failed, sums.ended)}   "
        f"today {usd_short(sums.today_nano)} of "
        f"{usd_short(sums.budget_nano)}"
    )
    changes = list(_in_force(snapshot))
    rows: list[AnyRow] = [*snapshot.projects, *snapshot.routes, *snapshot.targets]
    for row in rows:
        if row.state.urgency is Urgency.TROUBLE:
            yield clean(f"! {row.id}: {_state(row, snapshot)}", 400)
    yield "in force:" if changes else "in force: nothing but the config file"
    for subject, change in changes:
        standing = change.layer is Layer.STANDING
        end = "permanent" if standing else f"until {clock(change.until_us or 0)}"
        yield clean(
            f"  {subject} {change.field}: {value(change.field, change.was)} → "
            f"{value(change.field, change.value)} {end}, by {change.actor}"
            f' "{change.reason}" ({change.command_id})',
            400,
        )
    if snapshot.events:
        yield "happened last:"
    for event in snapshot.events:
        yield f"  {clock(event.at_us)} {clean(words.say(event.told, clock))}"


def _here(names: Iterable[str]) -> tuple[str, ...]:
    """Each once, with how many consoles where that is more than one."""
    return tuple(
        name if count == 1 else f"{name} ×{count}" for name, count in Counter(names).items()
    )


def _of_strangers(snapshot: Snapshot) -> str:
    refused = snapshot.vitals.strangers_refused_60s
    return words.text("status.strangers", refused=three(refused)) if refused else ""


def _cannot(role: Role) -> str:
    return ": may look, not change" if role is Role.VIEWER else ""

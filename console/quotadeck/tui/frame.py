"""The lines around the tables: header, the chosen row in words, what happened last, the keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from quotadeck.domain.ages import age
from quotadeck.domain.commands import Role
from quotadeck.domain.money import usd_short
from quotadeck.domain.snapshot import Event, ProjectRow, RouteRow, TargetRow
from quotadeck.domain.state import HELD_MONEY, NOT_COVERED, Kind, Urgency
from quotadeck.domain.state_words import cleared_words, words_of
from quotadeck.tui import figures as f
from quotadeck.tui.keys.act import Act, allowed, key_name
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.kit.editor import Editor
from quotadeck.tui.kit.fit import bar, cell_len, fit, fit_middle, fit_tail, folded
from quotadeck.tui.kit.spans import GAP, Line, Span, crop, spread
from quotadeck.tui.link import Picture
from quotadeck.tui.rows import Columns, changes_text, columns_for
from quotadeck.tui.state import MINUTE_US, Present, counted_minute_us

PRODUCT: Final = "quotadeck"


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of the second line, over all projects."""

    requests: int
    refused: int
    ended: int
    failed: int
    minute_nano: int
    """Spent in the last 60 s."""
    today_nano: int
    budget_nano: int
    budgeted_nano: int
    """Spent today by the projects that have a budget."""

    def hourly_nano(self, now: Present) -> int:
        """The rate of now: the last minute's spend, as if it went on for an hour."""
        return self.minute_nano * 3_600_000_000 // counted_minute_us(now)


def totals(rows: Sequence[ProjectRow]) -> Totals:
    """The sums of a reading."""
    limited = [row for row in rows if row.budget.limit_nano is not None]
    return Totals(
        requests=sum(row.flow.requests_60s for row in rows),
        refused=sum(row.flow.refused_60s for row in rows),
        ended=sum(row.flow.ended_60s for row in rows),
        failed=sum(row.flow.failed_60s for row in rows),
        minute_nano=sum(row.flow.spent_60s_nano for row in rows),
        today_nano=sum(row.budget.spent_nano for row in rows),
        budget_nano=sum(row.budget.limit_nano or 0 for row in limited),
        budgeted_nano=sum(
            min(row.budget.spent_nano, row.budget.limit_nano or 0) for row in limited
        ),
    )


def in_trouble(picture: Picture) -> int:
    """How many projects and targets are in trouble in a picture."""
    snapshot = picture.snapshot
    states = [*(row.state for row in snapshot.projects), *(row.state for row in snapshot.targets)]
    return sum(state.urgency is Urgency.TROUBLE for state in states)


def status_line(
    picture: Picture | None,
    *,
    label: str,
    problem: str,
    alarms: int,
    frozen_us: int | None,
    now_us: int,
    read_only: bool,
    zone: tzinfo | None,
    width: int,
) -> Line:
    """Which gateway, how the link is, the time, how many are in trouble, who you are."""
    name = picture.snapshot.vitals.name if picture else label
    left = [Span(fit(name, min(24, cell_len(name))), "strong"), GAP, *_health(picture, problem)]
    at_us = picture.present.now_us if picture else now_us
    zone_word = f.zone_name(at_us, zone)
    if frozen_us is not None:
        stamp = f.local(frozen_us, zone).strftime("%H:%M:%S")
        clock = Span(f"FROZEN {stamp} {zone_word}", "key")
    else:
        clock = Span(f"{f.clock_time(at_us, zone)} {zone_word}", "strong")
    who: list[Span] = []
    if picture:
        role = "read-only" if read_only else picture.whoami.role.value
        who = [
            Span(f"{role}: ", "dim"),
            Span(fit(picture.whoami.actor, min(16, cell_len(picture.whoami.actor)))),
        ]
    words = " in trouble" if width >= 100 else ""
    alarm = Span(f"! {alarms}{words}", "trouble") if alarms else Span("")
    middle = [Span("   "), clock, Span("   "), alarm]
    right = [Span(PRODUCT + "   ", "dim"), *who]
    return spread([*left, *(span for span in middle if span.text)], right, width)


def _health(picture: Picture | None, problem: str) -> list[Span]:
    if picture is None:
        return (
            [Span("✗ ", "trouble"), Span("no reading yet", "trouble")]
            if problem
            else [Span("◌ connecting", "dim")]
        )
    if picture.problem:
        return [Span("✗ DISCONNECTED ", "trouble"), Span(f.age(picture.silent_ms), "trouble")]
    if picture.silent_ms:
        seconds = f"{picture.silent_ms // 1_000}s"
        return [Span("◌ STALE ", "trouble"), Span(f.age(picture.silent_ms) or seconds, "trouble")]
    state, now = picture.snapshot.vitals.state, picture.present
    if state.kind is Kind.UNSERVED:
        return [Span(f"✗ UNSERVED {words_of(state, now.now_ms, now.now_us).when}", "trouble")]
    return [Span("● live", "normal")]


def totals_line(picture: Picture, sums: Totals, width: int) -> Line:
    """Requests, refusals, failures, money at the rate of now, today's sum, the gateway's health."""
    now = picture.present
    quiet = "normal" if now.live else "dim"
    requests = [Span(f.three(sums.requests), quiet), Span(" req/m", "dim")]
    role = "attention" if now.live and sums.refused else "dim"
    refused = [Span("ref ", "dim"), Span(f.three(sums.refused), role), Span("/m", "dim")]
    failed = [Span("fail ", "dim"), Span(f.percent(sums.failed, sums.ended), quiet)]
    hour = [Span(usd_short(sums.hourly_nano(now)), quiet), Span("/h now", "dim")]
    today = [Span("today ", "dim"), Span(usd_short(sums.today_nano), quiet)]
    if sums.budget_nano:
        share = sums.budgeted_nano / sums.budget_nano
        role = ("normal" if share < 0.8 else "attention") if now.live else "dim"
        today += [
            Span("/" + usd_short(sums.budget_nano).removeprefix("$") + " ", "dim"),
            Span(bar(share, 6, hollow=not now.live), "bar " + role),
            Span(f" {f.percent(sums.budgeted_nano, sums.budget_nano)}", role),
        ]
    health = _gateway(picture, width)
    parts = [requests, refused, failed, hour, today]
    least_first = [hour, requests, failed, refused, today]
    return spread(_joined(parts, least_first, health, width), health, width)


def _gateway(picture: Picture, width: int) -> list[Span]:
    now, vitals = picture.present, picture.snapshot.vitals
    if vitals.problems:
        words = "gw " + ", ".join(vitals.problems)
        return [Span(fit(words, min(cell_len(words), width - 1)), "trouble")]
    if not now.live:
        return [Span("gw unknown", "dim")]
    if now.counting_us < MINUTE_US:
        # What it has not seen is in no figure: right after a start little is no fall.
        return [Span(f"counting since {age(now.counting_us // 1_000)}", "attention")]
    return [Span("gw ok", "dim")]


def _joined(
    parts: list[list[Span]], least_first: list[list[Span]], health: list[Span], width: int
) -> list[Span]:
    """The parts with blanks between, without those that do not fit beside the gateway's health."""
    kept = list(parts)
    for least in least_first:
        spans = [span for part in kept for span in (*part, Span("  "))][:-1]
        if sum(cell_len(span.text) for span in (*spans, *health)) < width:
            break
        kept.remove(least)
    return [span for part in kept for span in (*part, Span("  "))][:-1]


def problem_lines(problem: str, where: str, width: int) -> list[Line]:
    """The second line while there is nothing to sum up: what is wrong, in at most three lines.

    Where it does not fit, the path in it (``where``) loses its beginning first.
    """
    text = f"trying again: {problem}" if problem else ""
    over = cell_len(text) - width
    if over > 0 and where in text:
        text = text.replace(where, fit_tail(where, max(_LEAST_PATH, cell_len(where) - over)))
    return [crop([Span(part, "attention")], width) for part in folded(text, width)[:3]]


_LEAST_PATH: Final = 20


def detail_line(
    row: ProjectRow | TargetRow | None,
    routes: Sequence[RouteRow],
    now: Present,
    place: str,
    zone: tzinfo | None,
    width: int,
) -> Line:
    """The rule between the tables: the chosen row in words, and where in the list it is."""
    if row is None:
        return (Span("─" * width, "dim"),)
    name = fit_middle(row.id, width // 2)
    words = _holds(row, now, zone, width)
    for route in routes:
        if route.changes and (
            route.id in row.models if isinstance(row, ProjectRow) else row.id in route.targets
        ):
            words.append(f"{route.id}: {changes_text(route.changes, now)}")
    slots = row.slots if isinstance(row, ProjectRow) else None
    if row.flow.in_flight or slots:
        words.append(f"{row.flow.in_flight}" + (f"/{slots}" if slots else "") + " in flight")
    if isinstance(row, ProjectRow) and row.name.lower().replace(" ", "-") != row.id:
        words.append(f"“{row.name}”")
    text = " · ".join(filter(None, words)) or "nothing in force, nothing refused"
    room = width - cell_len(place) - cell_len(name) - 9
    shown = fit(text, min(cell_len(text), max(0, room)))
    rule = width - 4 - cell_len(name) - 1 - cell_len(shown) - cell_len(place) - 3
    return crop(
        [
            Span("── ", "dim"), Span(name, "key"), Span(" "), Span(shown, "normal"),
            Span(" " + "─" * max(1, rule) + " ", "dim"), Span(place, "dim"), Span(" ─", "dim"),
        ],
        width,
    )  # fmt: skip


def _holds(row: ProjectRow | TargetRow, now: Present, zone: tzinfo | None, width: int) -> list[str]:
    """The facts by weight, for a narrow line loses its end; the row itself says the first's word.

    The trouble, what else is in trouble, what is used of the limits where the columns do not say
    it, what was done about it, then what wants attention and what is over.
    """
    state, changes = row.state, changes_text(row.changes, now)
    why = words_of(state, now.now_ms, now.now_us).why
    # Of a pause the change says most: until when, by whom, what for.
    words = [changes, why] if state.kind is Kind.PAUSED else [why]
    troubles = [one for one in state.others if one.urgency is Urgency.TROUBLE]
    words += [words_of(one, now.now_ms, now.now_us).line for one in troubles]
    if isinstance(row, ProjectRow):
        words += _limits(row, zone, columns_for(width))
    if state.kind is not Kind.PAUSED:
        words.append(changes)
    rest = [one for one in state.others if one.urgency is not Urgency.TROUBLE]
    words += [words_of(one, now.now_ms, now.now_us).line for one in rest]
    return words + cleared_words(state, now.now_ms)


def _limits(row: ProjectRow, zone: tzinfo | None, columns: Columns) -> list[str]:
    """What is used of each limit that the columns do not tell; the one that refuses is first."""
    told: list[tuple[str, str]] = []
    if not columns.limits:
        told += [
            (name, f"{name} {f.short(taken)}/{f.short(level.per_minute)}")
            for name, taken, level in (
                ("rpm", row.flow.requests_60s, row.rpm), ("tpm", row.flow.tokens_60s, row.tpm),
            )
            if level
        ]  # fmt: skip
    budget = row.budget
    if budget.limit_nano:
        used = f"{usd_short(budget.spent_nano)}/{usd_short(budget.limit_nano).removeprefix('$')}"
        told.append(("budget", f"budget {used} until {f.clock_time(budget.ends_us, zone)}"))
    cause = "budget" if row.state.cause in (HELD_MONEY, NOT_COVERED) else row.state.cause
    return [text for _, text in sorted(told, key=lambda one: one[0] != cause)]


def nothing_line(text: str, clear: str, width: int) -> Line:
    """Where the rows would be, when the filter leaves none; ``clear`` is the key that ends it."""
    shown = fit(text, min(cell_len(text), width // 4))
    words = f"  nothing matches /{shown}; {clear} clears it" if text else ""
    return crop([Span(words, "dim")], width)


def event_lines(
    events: Sequence[Event], count: int, now_us: int, zone: tzinfo | None, width: int
) -> list[Line]:
    """What happened last, the newest first, one a line; with its day where that is not today."""
    lines: list[Line] = []
    for event in events[:count]:
        stamp = f.day_time(event.at_us, now_us, zone)
        lines.append(crop([Span(f"{stamp} ", "dim"), Span(event.text, "normal")], width))
    while len(lines) < count:
        lines.append(crop([Span("nothing has happened yet" if not lines else "", "dim")], width))
    return lines


def keys_line(acts: Sequence[Act], width: int, role: Role | None = None) -> Line:
    """The labelled actions; where they do not fit, those at the end go, but never the help.

    What ``role`` may not do is there, but its key is dim.
    """
    shown = [act for act in acts if act.label and act.keys]
    while len(shown) > 1 and sum(map(_asks, shown)) > width + 2:
        shown.pop(next(i for i in range(len(shown) - 1, -1, -1) if shown[i].verb != "help"))
    return crop(_keys_spans(shown, role), width)


def _keys_spans(acts: Sequence[Act], role: Role | None = None) -> list[Span]:
    spans: list[Span] = []
    for act in acts:
        may = role is None or allowed(act, role)
        spans += [Span(key_name(act.keys[0]), "key" if may else "dim")]
        spans += [Span(f" {act.label}" + ("" if act is acts[-1] else "  "), "dim")]
    return spans


def _asks(act: Act) -> int:
    return cell_len(key_name(act.keys[0])) + cell_len(act.label) + 3


def note_line(
    text: str, role: str, acts: Sequence[Act], width: int, of: Role | None = None
) -> Line:
    """What the last key came to, on the line of the keys, and the keys beside it where they fit."""
    room = width - cell_len(text) - 3
    keys = keys_line(acts, room, of) if room >= _LEAST_KEYS else ()
    return crop([Span(text, role), Span("   "), *keys], width)


_LEAST_KEYS: Final = 8
"""``? help``, and a blank around it."""


def filter_line(
    line: Editor,
    hidden: int,
    troubles: int,
    keys: Keys,
    width: int,
    *,
    typing: bool,
    role: Role | None = None,
) -> Line:
    """The filter, how much it hides, and the keys beside it as far as they fit."""
    text = line.text
    shown = [Span(fit(text, min(cell_len(text), width // 4)), "strong"), Span(" ", "normal")]
    if typing:
        before, under, after = line.window(max(8, width - _BESIDE_FILTER))
        shown = [Span(before, "strong"), Span(under, "chosen"), Span(after, "strong")]
    left = [Span("/", "key"), *shown]
    if hidden:
        left.append(Span(f" hides {hidden:,}" + (", " if troubles else ""), "dim"))
    if troubles:
        left.append(Span(f"{troubles:,} in trouble", "trouble"))
    if typing:
        beside = [*_keys_spans(keys.of("filter")), Span("  !text the others", "dim")]
    else:
        clear = Span(keys.shown("overview.clear"), "key")
        beside = [clear, Span(" clear  ", "dim")]
        room = width - sum(cell_len(span.text) for span in (*left, *beside)) - 3
        beside += keys_line(keys.at("overview"), max(0, room), role)
    return crop([*left, Span("   "), *beside], width)


_BESIDE_FILTER: Final = 28
"""What is hidden, told beside a filter that is being typed."""

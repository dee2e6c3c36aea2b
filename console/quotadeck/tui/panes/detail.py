"""The rule under the rows: the chosen row in words, and where in the list it is."""

from collections.abc import Sequence

from quotadeck.domain.commands import Field
from quotadeck.domain.money import usd_short
from quotadeck.domain.rules import RULES, Measure
from quotadeck.domain.snapshot import LimitedRow, ProjectRow, RouteRow, limit_on
from quotadeck.domain.state import HELD_MONEY, NOT_COVERED, StateKind, Urgency
from quotadeck.tui.columns.parts import At
from quotadeck.tui.in_force import changes_text
from quotadeck.tui.kit.fit import cell_len, cut, fit_middle
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.model_rows import ModelRow
from quotadeck.words import text
from quotadeck.words.numbers import short
from quotadeck.words.states import cleared_words, words_of
from quotadeck.words.times import clock_time


def rule_line(name: str, said: str, place: str, width: int) -> Line:
    """What is chosen, in words, and where in its list it is."""
    if not name:
        return (Span("─" * width, "dim"),)
    name = fit_middle(name, width // 2)
    room = width - cell_len(place) - cell_len(name) - 9
    shown = cut(said, room)
    rule = width - 4 - cell_len(name) - 1 - cell_len(shown) - cell_len(place) - 3
    return crop(
        [
            Span("── ", "dim"),
            Span(name, "key"),
            Span(" "),
            Span(shown, "normal"),
            Span(" " + "─" * max(1, rule) + " ", "dim"),
            Span(place, "dim"),
            Span(" ─", "dim"),
        ],
        width,
    )


def row_words(row: ProjectRow, at: At) -> str:
    """A project in words, with what is used of each of its limits."""
    words = _holds(row, at)
    words += _of_models([route for route in at.routes.values() if route.id in row.models], at)
    words += _in_flight(row)
    if row.name.lower().replace(" ", "-") != row.id:
        words.append(f"“{row.name}”")
    return " · ".join(filter(None, words)) or text("screen.nothing_held")


def model_words(row: ModelRow, at: At) -> str:
    """A model in words: what holds of it and of what serves it, and the limits of that."""
    now = at.now
    words = [words_of(held, now.now_ms, now.now_us).line for held in row.held]
    words += _of_models([row.route], at)
    if row.target is not None:
        limits = [one for _, one in _rates(row.target)]
        words += [f"{row.target.id}: {', '.join(limits)}"] if limits else [row.target.id]
        words += _in_flight(row.target)
    return " · ".join(words)


def _of_models(routes: Sequence[RouteRow], at: At) -> list[str]:
    return [f"{one.id}: {changes_text(one.changes, at.now)}" for one in routes if one.changes]


def _in_flight(row: LimitedRow) -> list[str]:
    slots = limit_on(row, Field.CONCURRENCY)
    if not (row.flow.in_flight or slots):
        return []
    kind = "screen.in_flight.of" if slots else "screen.in_flight"
    return [text(kind, count=row.flow.in_flight, slots=slots.limit if slots else None)]


def _holds(row: ProjectRow, at: At) -> list[str]:
    """The facts by weight, for a narrow line loses its end; the row itself says the first's word.

    The trouble, what else is in trouble, what is used of the limits, what was done about it, then
    what wants attention and what is over.
    """
    state, now = row.state, at.now
    changes = changes_text(row.changes, now)
    why = words_of(state, now.now_ms, now.now_us).why
    # Of a pause the change says most: until when, by whom, what for.
    words = [changes, why] if state.kind is StateKind.PAUSED else [why]
    troubles = [one for one in state.others if one.urgency is Urgency.TROUBLE]
    words += [words_of(one, now.now_ms, now.now_us).line for one in troubles]
    words += _limits(row, at)
    if state.kind is not StateKind.PAUSED:
        words.append(changes)
    rest = [one for one in state.others if one.urgency is not Urgency.TROUBLE]
    words += [words_of(one, now.now_ms, now.now_us).line for one in rest]
    return words + cleared_words(state, now.now_ms)


def _limits(row: ProjectRow, at: At) -> list[str]:
    """What is used of each limit; the one that refuses is first."""
    told = _rates(row)
    budget = row.budget
    if budget.limit_nano:
        used = f"{usd_short(budget.spent_nano)}/{usd_short(budget.limit_nano).removeprefix('$')}"
        ends = clock_time(budget.ends_us, at.zone)
        told.append(("budget", text("screen.budget", used=used, ends=ends)))
    cause = "budget" if row.state.cause in (HELD_MONEY, NOT_COVERED) else row.state.cause
    return [one for _, one in sorted(told, key=lambda one: one[0] != cause)]


def _rates(row: LimitedRow) -> list[tuple[str, str]]:
    """What is used of the limits a minute, each with its kind."""
    told: list[tuple[str, str]] = []
    for rule in RULES:
        limit = limit_on(row, rule.field)
        if limit and rule.measure is Measure.RATE:
            of, most = short(limit.used), short(limit.limit)
            told.append((rule.kind, text("screen.used", field=rule.field, used=of, most=most)))
    return told

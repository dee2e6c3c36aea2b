"""What a project's last quarter of an hour was made of: models, causes, callers."""

from collections.abc import Mapping
from typing import Final

from quotadeck.domain.ages import share
from quotadeck.domain.calls import Outcome
from quotadeck.domain.detail import Caller, CauseFound, ModelUse, ProjectDetail
from quotadeck.tui.columns.parts import At
from quotadeck.tui.kit.fit import fit_middle
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.kit.table import table
from quotadeck.words import text
from quotadeck.words.causes import cause_words
from quotadeck.words.numbers import latency, percent
from quotadeck.words.spent import spent
from quotadeck.words.times import day_time

_NAME: Final = 30
_ID: Final = 18
_HOUR_US: Final = 3_600_000_000
_MINUTE_US: Final = 60_000_000


def model_lines(detail: ProjectDetail, at: At, width: int) -> list[Line]:
    """What was asked of each model, what it costs and how it goes, and what serves it now."""
    if not detail.models:
        return []
    titles = ("models", "share", "per_hour", "fail", "p95", "served_by")
    rows = [tuple(Span(text(f"project.{title}"), "dim") for title in titles)]
    rows += [_model(use, detail, at) for use in detail.models]
    return _indented(table(rows, width - 1, " >>>> "), width)


def _model(use: ModelUse, detail: ProjectDetail, at: At) -> tuple[Span, ...]:
    asked = sum(each.asked for each in detail.models)
    over_us = max(_MINUTE_US, min(detail.at_us - detail.since_us, at.now.counted_us))
    hourly = spent(use.cost_nano * _HOUR_US // over_us, use.unpriced)
    route = at.routes.get(use.model)
    serving = route.serving if route else next(iter(use.targets), "–")
    first = route is not None and route.targets[:1] == (route.serving,)
    served = text("project.itself") if first else f"↘ {serving}" if route else serving
    if route is not None and route.paused:
        served = f"‖ {text('state.paused')}"
    fails = use.failed * 20 >= use.forwarded > 0
    return (
        Span(f"  {fit_middle(use.model or text('project.no_model'), _NAME)}"),
        Span(share(use.asked, asked)),
        Span(hourly),
        Span(percent(use.failed, use.forwarded), at.quiet("attention" if fails else "normal")),
        Span(latency(use.p95_ms)),
        Span(served, at.quiet("normal" if first else "attention")),
    )


def cause_lines(
    detail: ProjectDetail, at: At, chosen: int | None, width: int, age: str
) -> list[Line]:
    """A line a cause: how often, since when, and the id of one of its requests."""
    title = text("project.causes")
    if not detail.causes:
        return _indented([(Span(text("project.causes.none"), "dim"),)], width)
    heads = (f"{title} {age}".rstrip(), *(text(f"project.{t}") for t in _CAUSE))
    rows = [tuple(Span(head, "dim") for head in heads)]
    rows += [
        _cause(one, at, chosen=index == chosen, now_us=detail.at_us)
        for index, one in enumerate(detail.causes)
    ]
    return _indented(table(rows, width - 1, " >> "), width)


_CAUSE: Final = ("count", "since", "example")


def _cause(one: CauseFound, at: At, *, chosen: bool, now_us: int) -> tuple[Span, ...]:
    failed = one.outcome in (Outcome.UPSTREAM_ERROR, Outcome.UNKNOWN)
    fresh = now_us - one.last_us < _MINUTE_US
    role = at.quiet("trouble" if failed else "attention") if fresh else "normal"
    words = cause_words(one.cause, one.binding, one.limit)
    since = text("project.since.over")
    if one.since_us is not None:
        since = day_time(one.since_us, at.now.now_us, at.zone)
    mark = "▸" if chosen else " "
    return (
        Span(f"{mark} {words}", "chosen" if chosen else role),
        Span(f"{one.count:,}", role),
        Span(since),
        Span(fit_middle(one.example, _ID) if one.example else "–", "key" if chosen else "dim"),
    )


def caller_lines(
    detail: ProjectDetail, labels: Mapping[str, str], at: At, width: int
) -> list[Line]:
    """A line a key: its share, what of it was refused, and whether it waits."""
    if not detail.callers:
        return []
    title = text("project.callers")
    if detail.calls_since_us > detail.since_us:
        # Of a busy project not all calls are looked at.
        since = day_time(detail.calls_since_us, at.now.now_us, at.zone)
        title = text("project.callers.since", since=since)
    asked = sum(caller.asked for caller in detail.callers)
    rows = [(Span(title, "dim"), Span(text("project.share"), "dim"), Span(""))]
    for caller in detail.callers:
        words = _caller(caller)
        role = at.quiet("attention" if _storms(caller) else "normal")
        key = fit_middle(caller.key_id or text("project.no_key"), _NAME)
        label = labels.get(caller.key_id, "")
        name = f"  {key} ({label})" if label else f"  {key}"
        rows.append((Span(name), Span(share(caller.asked, asked)), Span(words, role)))
    return _indented(table(rows, width - 1, " > "), width)


def _storms(caller: Caller) -> bool:
    return caller.refused > caller.asked - caller.refused


def _caller(caller: Caller) -> str:
    told = []
    if caller.refused:
        told.append(text("project.key.refused", refused=caller.refused, asked=caller.asked))
    if _storms(caller):
        times = caller.asked // max(1, caller.asked - caller.refused)
        told.append(text("project.key.times", times=times))
    if caller.retried:
        told.append(text("project.key.retried", retried=caller.retried))
    return " · ".join(told)


def _indented(lines: list[Line], width: int) -> list[Line]:
    return [crop([Span(" "), *line], width) for line in lines]

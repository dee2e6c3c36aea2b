"""Readings to draw: a calm night and a bad one, with as many projects as asked for."""

from dataclasses import replace
from typing import Final

from quotadeck.domain.commands import Plain, Role
from quotadeck.domain.layers import Layer
from quotadeck.domain.limits import MICRO
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.notice import notice
from quotadeck.domain.snapshot import (
    Budget,
    Change,
    Event,
    Flow,
    Level,
    LimitReading,
    ProjectRow,
    RouteRow,
    Snapshot,
    TargetRow,
    Vitals,
    Whoami,
)
from quotadeck.domain.state import AT_REST, Held, State, StateKind, Urgency

NOW_MS: Final = 5_000_000
AT_US: Final = 1_795_456_920_000_000
"""2026-11-23 18:02:00 UTC, 03:02 in Tokyo."""
MINUTE_US: Final = 60_000_000
DAY_END_US: Final = AT_US + 20 * 60 * MINUTE_US
ME: Final = Whoami("mika", Role.OPERATOR)


def rate(name: str, per_minute: int, used: int, empty: float = 0.0) -> LimitReading:
    """A rate's reading; of its bucket the share ``empty`` is taken."""
    capacity = max(MICRO, per_minute * MICRO * (10 if name == "rpm" else 60) // 60)
    level = Level(int(capacity * (1 - empty)), capacity, NOW_MS)
    return LimitReading(name, per_minute, used, level=level)


def rates(rpm: int, tpm: int, flow: Flow, *empty: float) -> tuple[LimitReading, ...]:
    """Both rates as the flow says; ``empty`` are their buckets' shares that are taken."""
    taken = (*empty, 0.0, 0.0)
    return (
        rate("rpm", rpm, flow.requests_60s, taken[0]),
        rate("tpm", tpm, flow.tokens_60s, taken[1]),
    )


def usd(dollars: float) -> int:
    return round(dollars * NANO_PER_USD)


def project(
    name: str,
    *,
    priority: str = "medium",
    rpm: int = 100,
    tpm: int = 100_000,
    rpm_empty: float = 0.0,
    tpm_empty: float = 0.0,
    budget: float | None = 500,
    spent: float = 0,
    flow: Flow | None = None,
    paused: bool = False,
    changes: tuple[Change, ...] = (),
    models: tuple[str, ...] = (),
    version: int = 0,
    state: State = AT_REST,
) -> ProjectRow:
    """A project's row; money in dollars, emptiness as shares."""
    flow = flow or Flow()
    limits = rates(rpm, tpm, flow, rpm_empty, tpm_empty)
    if budget is not None:
        limits += (LimitReading("daily_budget_usd", usd(budget), usd(spent)),)
    return ProjectRow(
        id=name,
        name=name,
        priority=priority,
        version=version,
        paused=paused,
        limits=limits,
        budget=Budget(None if budget is None else usd(budget), usd(spent), 0, DAY_END_US),
        flow=flow,
        changes=changes,
        models=models,
        state=state,
    )


def trouble(
    kind: StateKind,
    cause: str = "",
    *,
    since_s: int = 0,
    who: str = "",
    count: int = 0,
    asked: int = 0,
    others: tuple[Held, ...] = (),
) -> State:
    """A state in trouble since so many seconds."""
    return State(
        kind,
        Urgency.TROUBLE,
        cause,
        who,
        count,
        asked,
        NOW_MS - since_s * 1_000,
        NOW_MS,
        others=others,
    )


def change(
    field: str,
    value: Plain | None,
    was: Plain | None,
    minutes: int | None = 59,
    *,
    at: int = 1,
) -> Change:
    """An override of mika's that ends in so many minutes; a standing change with None."""
    until = None if minutes is None else AT_US + minutes * MINUTE_US
    layer = Layer.STANDING if minutes is None else Layer.OVERRIDE
    return Change(f"cmd_{at:032x}", field, value, was, layer, until, "mika", "batch bug")


def _targets(*, fire: bool) -> tuple[TargetRow, ...]:
    busy = Flow(requests_60s=50, tokens_60s=171_000, ended_60s=52, failed_60s=14, p95_ms=4_100)
    rows = (
        ("main/claude-opus-4.7", 50, 200_000),
        ("main/gpt-4.1", 500, 1_000_000),
        ("main/gemini-2.5-flash", 1_000, 2_000_000),
        ("main/deepseek-v3.2", 2_000, 4_000_000),
    )
    made = [TargetRow(name, 0, rates(rpm, tpm, Flow()), Flow()) for name, rpm, tpm in rows]
    if fire:
        made[0] = replace(
            made[0],
            limits=rates(50, 200_000, busy, 1, 0.9),
            flow=busy,
            upstream_429_60s=14,
            state=trouble(StateKind.FAILING, "upstream_429", since_s=240, count=14, asked=52),
        )
        well = Flow(requests_60s=96, tokens_60s=118_000, ended_60s=95, p95_ms=900)
        made[1] = replace(
            made[1],
            limits=rates(500, 1_000_000, well, 0.2),
            flow=well,
        )
    return tuple(made)


def _routes(*, forced: bool) -> tuple[RouteRow, ...]:
    ids = ("claude-opus-4.7", "gpt-4.1", "gemini-2.5-flash", "deepseek-v3.2")
    made = []
    for index, model in enumerate(ids):
        targets = (f"main/{model}", *(f"main/{later}" for later in ids[index + 1 :]))
        made.append(RouteRow(model, 0, targets, targets[0], paused=False))
    if forced:
        made[1] = replace(
            made[1],
            serving="main/gemini-2.5-flash",
            changes=(change("target", "main/gemini-2.5-flash", "main/gpt-4.1", 60, at=9),),
        )
    return tuple(made)


def calm(projects: int = 6) -> Snapshot:
    """Nothing is wrong: every bucket full, nothing asked."""
    names = ("analytics", "batch-embed", "support-chat", "content-gen", "search", "mobile-app")
    rows = [
        project(
            names[i] if i < len(names) else f"team-{i:04d}",
            priority="high" if i == 2 else "medium" if i % 3 else "low",
            spent=i % 90,
            models=("gpt-4.1",) if i == 4 else ("claude-opus-4.7",),
        )
        for i in range(projects)
    ]
    return Snapshot(
        NOW_MS,
        AT_US,
        Vitals("gw-tokyo-1", "0.1.0", "led_1", AT_US - MINUTE_US),
        tuple(rows),
        _targets(fire=False),
        _routes(forced=False),
        (Event("evt_1", AT_US - MINUTE_US, "", notice("gateway.started")),),
    )


def fire(projects: int = 6) -> Snapshot:
    """A night to be woken for: throttled, storming, paused, out of money, failing, forced."""
    base = calm(projects)
    bad = (
        project(
            "analytics", rpm=20, tpm=80_000, rpm_empty=1, tpm_empty=0.9, budget=500, spent=455,
            models=("claude-opus-4.7",), version=4, priority="low",
            changes=(change("rpm", 20, 10, 47, at=4),),
            flow=Flow(20, 74_100, 274, 22, 4, usd(1.16), usd(11.6), 4_100, 3),
            state=trouble(StateKind.STORM, "rpm", since_s=138, who="project:analytics", count=274,
                          asked=294),
        ),
        project(
            "batch-embed", rpm=60, tpm=120_000, rpm_empty=1, tpm_empty=0.3, budget=None, spent=31,
            priority="low", models=("deepseek-v3.2",),
            flow=Flow(60, 21_000, 512, 60, 0, usd(0.04), usd(0.4), 200, 1),
            state=trouble(StateKind.STORM, "rpm", since_s=700, who="project:batch-embed", count=512,
                          asked=572),
        ),
        project(
            "support-chat", priority="high", rpm=60, tpm=1_000_000, rpm_empty=0.42,
            tpm_empty=0.31, budget=1_000, spent=140, models=("gpt-4.1",),
            flow=Flow(25, 310_000, 0, 24, 1, usd(0.2), usd(2), 1_900, 6),
        ),
        project(
            "content-gen", rpm=30, tpm=120_000, budget=300, spent=171, paused=True,
            changes=(change("paused", True, None, 42, at=8),), models=("claude-opus-4.7",),
            state=State(StateKind.PAUSED, cause="paused", since_ms=NOW_MS - 1_080_000,
                        until_us=AT_US + 42 * MINUTE_US),
        ),
        project(
            "search", rpm=1_000, tpm=2_000_000, rpm_empty=0.64, tpm_empty=0.5, budget=700,
            spent=407, models=("gpt-4.1",),
            flow=Flow(640, 1_100_000, 0, 630, 2, usd(0.7), usd(7), 800, 9),
        ),
        project(
            "mobile-app", rpm=100, tpm=100_000, budget=50, spent=50,
            flow=Flow(0, 0, 41),
            state=trouble(StateKind.SPENT, "budget", since_s=3_000, count=7, asked=7),
        ),
    )  # fmt: skip
    rows = (*bad[:projects], *base.projects[len(bad) :])
    events = (
        ("03:02", "analytics: budget 90 %"),
        ("03:01", "mika: content-gen paused 1h “batch bug”"),
        ("03:00", "main/claude-opus-4.7 answers 429"),
        ("02:58", "batch-embed: 512 refused in a minute by rpm"),
    )
    return replace(
        base,
        projects=tuple(rows),
        targets=_targets(fire=True),
        routes=_routes(forced=True),
        events=tuple(
            Event(f"evt_{i}", AT_US - i * MINUTE_US, "", notice("told", text=text))
            for i, (_, text) in enumerate(events)
        ),
    )


HOSTILE: Final = (
    "[@click=app.quit]x[/]",
    "[red]zzz[/nope]",
    "\x1b]52;c;cm0gLXJm\x07name",
    "\x1b[2Jcleared",
    "\x9b31mred",
    "user\u202etxt.exe",
    "a\rb\tc\nd",
)
"""Names that a terminal, or a widget that reads markup, would obey."""


def hostile(projects: int = 7) -> Snapshot:
    """Names, reasons and events out of a bad dream, as if no door had cleaned them."""
    base = fire(projects)
    rows = tuple(
        replace(
            row,
            id=text + str(i // len(HOSTILE) or ""),
            name=text,
            changes=(replace(change("rpm", 40, 20), reason=text, actor=HOSTILE[2]),),
        )
        for i, row in enumerate(base.projects)
        for text in (HOSTILE[i % len(HOSTILE)],)
    )
    events = tuple(
        Event(f"evt_{i}", AT_US, "", notice("told", text=text)) for i, text in enumerate(HOSTILE)
    )
    return replace(base, projects=rows, events=events)

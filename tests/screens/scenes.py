"""Every page and every dialog, each with the keys that lead to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from quotadeck.domain.answers import CommandAnswer
from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Command, Role
from quotadeck.domain.days import micros
from quotadeck.domain.detail import ProjectDetail
from quotadeck.domain.gate import Gate
from quotadeck.domain.notice import notice
from quotadeck.domain.routed import Asker, ModelFlow, Routed, Switch, TargetTook
from quotadeck.domain.snapshot import Gap, Past, Per, Snapshot, Whoami
from quotadeck.domain.state import AT_REST, Held, StateKind
from quotadeck.domain.state_change import state_of
from quotadeck.domain.subject import Subject
from tests.tui.call_book import PRICE, CallBook, night
from tests.tui.happened import Happened
from tests.tui.happened import night as happened_night
from tests.tui.hours import an_hour
from tests.tui.leased import night as leased
from tests.tui.scenes import AT_US, MINUTE_US, NOW_MS, calm, change, fire, hostile, trouble, usd
from tests.tui.scripted import entry, refused

Step = tuple[tuple[str, ...], str]
"""Keys, and a text that is shown when they are done."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A reading, and the way from it to the screen that is meant.

    ``source`` are fields of the scripted source; ``late_ms`` passes without a heartbeat when all
    steps are done; ``gone`` says that the source leaves then.
    """

    steps: tuple[Step, ...] = ()
    reading: Callable[[], Snapshot] | None = fire
    read_only: bool = False
    source: Mapping[str, Any] = field(default_factory=dict)
    late_ms: int = 0
    gone: bool = False


def _to(name: str, *keys: str) -> Step:
    """From the first row to a project of `fire`, in its reading order."""
    order = ("analytics", "batch-embed", "mobile-app", "search", "support-chat", "content-gen")
    return (*("j" for _ in range(order.index(name))), *keys), ""


_AUDIT: Final = (
    entry(9, reason="orders import, asked by payments"),
    entry(8, action="pause", subject=Subject.project("content-gen"), field="paused", before=None,
          after=True, reason="batch bug", until_us=micros("2026-11-23T18:44:00Z")),
    entry(7, actor="ken", in_force=False, field="tpm", before=None, after=None, until_us=None,
          **refused("tpm 9,000,000 is above what an operator may set")),
    entry(6, action="fallback", subject=Subject.model("gpt-4.1"), field="target",
          before="main/gpt-4.1", after="main/gemini-2.5-flash", reason="", until_us=None,
          in_force=False),
    *(entry(seq, actor="automation-with-a-long-name", in_force=False) for seq in range(5, 0, -1)),
)  # fmt: skip


def _refuse(command: Command, dry_run: bool) -> CommandAnswer:
    why = refused("rpm 9,000 is above what an operator may set: 1,000; ask an admin")
    return CommandAnswer(subject=command.subject, dry_run=dry_run, field="rpm", **why)


def _project(name: str) -> tuple[Step, ...]:
    return _to(name, "enter"), ((), "last 15 min")


_PROJECT: Final = {"passed": an_hour, "rows": _AUDIT}


_EXAMPLE: Final = "req_019f0d2a54b07aa29c3e0b4d6f00f9a1"
_REFUSED: Final = Call(
    _EXAMPLE, AT_US - 1_000_000, "2026-11-23", "analytics", "k_b21a86", 2, "claude-opus-4.7",
    Outcome.REFUSED, Cause.RPM, 429, binding="project:analytics:rpm", wait_ms=2_070, retry=3,
    gates=(Gate("project:analytics:rpm", 20, 1_000_000, 310_000),),
)  # fmt: skip


def _quiet(name: str) -> ProjectDetail:
    """Nothing passed, and nothing is known of the days before."""
    since_us = AT_US - 14 * MINUTE_US
    return ProjectDetail(name, AT_US, since_us, since_us)


def _model_paused() -> Snapshot:
    """The fire, with a model paused."""
    snapshot = fire()
    held = Held(StateKind.PAUSED, cause="paused", since_ms=NOW_MS - 60_000, who="analytics")
    paused = replace(
        snapshot.routes[0],
        paused=True,
        changes=(change("paused", True, None, 4, at=12),),
        state=state_of(replace(held, until_us=AT_US + 4 * MINUTE_US)),
    )
    return replace(snapshot, routes=(paused, *snapshot.routes[1:]))


def _sick() -> Snapshot:
    """A gateway that cannot write its ledger."""
    snapshot = fire()
    problems = (
        notice("vital.journal_behind", behind_ms=120_000),
        notice("vital.disk", free_percent=4),
    )
    dead = trouble(StateKind.UNSERVED, "ledger", since_s=130)
    vitals = replace(snapshot.vitals, state=dead, problems=problems)
    return replace(snapshot, vitals=vitals)


_CALLS: Final = ("c", "c"), "following"
"""The calls of the row, then of all."""
_NIGHT: Final = {**happened_night(), "passed": an_hour}
_BOOK: Final = {
    "book": CallBook([*night()], prices={one.id: PRICE for one in night()}),
    "was": lambda _: fire(),
}


def _was(at_us: int) -> Snapshot:
    """The fire, as it was in the ledger."""
    snapshot = fire()
    ago_us = snapshot.at_us - at_us
    vitals = replace(snapshot.vitals, state=AT_REST, problems=())
    events = tuple(one for one in snapshot.events if one.at_us <= at_us)
    past = Past(Per.CALL, (Gap.VITALS,))
    return replace(
        snapshot, at_us=at_us, now_ms=snapshot.now_ms - ago_us // 1_000, vitals=vitals,
        events=events, past=past,
    )  # fmt: skip


def _by_the_hour(at_us: int) -> Snapshot:
    gaps = (Gap.LEVELS, Gap.UNDER_WAY, Gap.TARGETS, Gap.VITALS)
    return replace(_was(at_us), past=Past(Per.HOUR, gaps))


def _down(at_us: int) -> Snapshot:
    past = Past(Per.NOTHING, tuple(Gap), at_us - 20 * MINUTE_US, at_us + 30 * MINUTE_US)
    return replace(_was(at_us), past=past)


_QUARTER_US: Final = AT_US - 14 * MINUTE_US
_ROUTED: Final = Routed(
    AT_US, _QUARTER_US, _QUARTER_US,
    (
        ModelFlow(
            "claude-opus-4.7", 4_010, 3_710, 300, 60, usd(13.75),
            (Asker("analytics", 3_700), Asker("content-gen", 310)),
            (Switch("main/gpt-4.1", usd(-42)), Switch("main/gemini-2.5-flash", usd(-53)),
             Switch("main/deepseek-v3.2", usd(-54))),
        ),
        ModelFlow(
            "gpt-4.1", 9_990, 0, 9_990, 20, usd(2.2),
            (Asker("search", 9_600), Asker("support-chat", 390)),
            (Switch("main/gpt-4.1", usd(108)), Switch("main/deepseek-v3.2", usd(-1))),
        ),
    ),
    (
        TargetTook("main/claude-opus-4.7", 300, 2_100, 4_100, 700),
        TargetTook("main/gpt-4.1", 0, None, None, None, AT_US - 18 * MINUTE_US),
        TargetTook("main/gemini-2.5-flash", 9_990, 400, 900, None),
    ),
)  # fmt: skip
_MODELS: Final = (("m",), "models and routes"), ((), "▂▂▂")
_LIMIT: Final = _to("analytics", "l", *"80k")
SCENES: Final[Mapping[str, Scene]] = {
    "overview": Scene(),
    "overview-calm": Scene(reading=calm),
    "overview-many": Scene(steps=(((*"jjj", "G"), "300/300"),), reading=lambda: fire(300)),
    "overview-hostile": Scene(reading=hostile),
    "overview-models": Scene(steps=((("tab",), "main/claude"),)),
    "overview-filter": Scene(steps=((("slash", *"storm"), "storm"),)),
    "overview-filtered": Scene(steps=((("slash", *"storm", "enter"), "hides"),)),
    "overview-frozen": Scene(steps=((("z",), "FROZEN"),)),
    "overview-marked": Scene(steps=((("space", "space"), "•batch"),)),
    "overview-late": Scene(late_ms=7_000),
    "overview-gone": Scene(gone=True),
    "overview-sick": Scene(reading=_sick),
    "overview-read-only": Scene(read_only=True, steps=((("l",), "read-only"),)),
    "overview-viewer": Scene(
        source={"whoami": Whoami("kim", Role.VIEWER)}, steps=((("p",), "viewer"),)
    ),
    "nobody": Scene(reading=None, gone=True),
    "audit": Scene(
        source={"rows": _AUDIT}, steps=((("a",), "orders import"), (("j",), "batch bug"))
    ),
    "audit-undo": Scene(
        source={"rows": _AUDIT}, steps=((("a",), "orders import"), (("u",), "running → paused"))
    ),
    "audit-empty": Scene(steps=((("a",), "nothing was ever changed"),)),
    "project": Scene(steps=_project("analytics"), source=_PROJECT),
    "project-leases": Scene(steps=_project("analytics"), source={**_PROJECT, "held": leased()}),
    "dialog-lease": Scene(
        steps=(*_project("analytics"), (("L", *"hung worker"), "hung worker")),
        source={**_PROJECT, "held": leased()},
    ),
    "project-cause": Scene(
        steps=(*_project("analytics"), (("j",), "▸ its rpm")), source=_PROJECT
    ),
    "project-spent": Scene(steps=_project("mobile-app"), source={"passed": an_hour}),
    "project-paused": Scene(
        steps=_project("content-gen"), source=_PROJECT | {"detail": _quiet("content-gen")}
    ),
    "project-calm": Scene(
        steps=_project("support-chat"), source={"detail": _quiet("support-chat")}
    ),
    "project-late": Scene(steps=_project("analytics"), source=_PROJECT, late_ms=7_000),
    "models": Scene(steps=_MODELS),
    "models-target": Scene(steps=(*_MODELS, (("j", "j"), "▸ 2 main/gpt-4.1"))),
    "models-paused": Scene(reading=_model_paused, steps=_MODELS),
    "models-figures": Scene(steps=_MODELS, source={"models": _ROUTED}),
    "models-calm": Scene(reading=calm, steps=_MODELS),
    "explain-storm": Scene(
        steps=(_to("analytics", "x"), ((), "would let all")), source=_PROJECT
    ),
    "explain-paused": Scene(steps=(_to("content-gen", "x"), ((), "paused by"))),
    "explain-target": Scene(steps=((("tab", "x"), "5 % of a minute"),)),
    "explain-call": Scene(
        steps=(*_project("analytics"), (("j", "x"), "was refused at")),
        source=_PROJECT | {"book": CallBook([_REFUSED]), "was": lambda _: fire()},
    ),
    "calls": Scene(source=_BOOK, steps=(_CALLS,)),
    "calls-refused": Scene(
        source=_BOOK, steps=(_CALLS, (tuple("jj"), "$0.7538"))
    ),
    "calls-searched": Scene(
        source=_BOOK, steps=(_CALLS, (("slash", *"cause:budget", "enter"), "all there is")),
    ),
    "calls-search-wrong": Scene(
        source=_BOOK, steps=(_CALLS, (("slash", *"price:3", "enter"), "no term")),
    ),
    "calls-empty": Scene(steps=(_CALLS, ((), "no call"),)),
    "call-refused": Scene(
        source=_BOOK, steps=(_CALLS, (("j", "j", "enter"), "insufficient_quota")),
    ),
    "call-served": Scene(
        source=_BOOK, steps=(_CALLS, ((*"jjjjj", "enter"), "attempt 1")),
    ),
    "past": Scene(steps=((("left_square_bracket",), "PAST"),), source={"was": _was}),
    "past-hour": Scene(
        steps=((("at", *"-9d", "enter"), "by the hour"),), source={"was": _by_the_hour}
    ),
    "past-down": Scene(
        steps=((("left_square_bracket",), "was not running"),), source={"was": _down}
    ),
    "past-project": Scene(
        steps=((("left_square_bracket",), "PAST"), *_project("analytics")[:1],
               ((), "told of the present")),
        source={"was": _was, "passed": an_hour},
    ),
    "past-act": Scene(
        steps=((("left_square_bracket",), "PAST"), (("p",), "this is the past")),
        source={"was": _was},
    ),
    "past-time": Scene(steps=((("at", *"02:4"), "time ("),)),
    "timeline": Scene(source=_NIGHT, steps=((("t",), "storming client"),)),
    "timeline-older": Scene(
        source=_NIGHT, steps=((("t",), "storming client"), (("G",), "gateway started")),
    ),
    "timeline-filter": Scene(
        source=_NIGHT,
        steps=((("t",), "storming client"), (("slash", *"alarm", "enter"), "hides"), (("j",), "")),
    ),
    "timeline-empty": Scene(
        source={"happened": Happened()}, steps=((("t",), "nothing has happened"),)
    ),
    "help": Scene(steps=((("question_mark",), "overview: keys"),)),
    "help-end": Scene(
        steps=((("question_mark",), "overview: keys"), (("G",), "own health"))
    ),
    "help-audit": Scene(steps=((("a",), "nothing"), (("question_mark",), "audit: keys"))),
    "dialog-limit": Scene(steps=(_LIMIT, ((), "replayed"))),
    "dialog-limit-wrong": Scene(steps=(_to("analytics", "l", *"many", "enter"), ((), "! "))),
    "dialog-limit-refused": Scene(steps=(_LIMIT, ((), "ask an admin")),
                                  source={"answer": _refuse}),
    "dialog-pause": Scene(steps=(_to("analytics", "p"), ((), "running"))),
    "dialog-pause-high": Scene(
        steps=(_to("support-chat", "p", *"storming client"), ((), "→"), (("enter",), "confirm"))
    ),
    "dialog-pause-model": Scene(steps=((("tab", "p"), "model"), ((), "running"))),
    "dialog-resume": Scene(steps=(_to("content-gen", "r"), ((), "→ paused"))),
    "dialog-fallback": Scene(steps=(_to("analytics", "f"), ((), "again"))),
    "dialog-undo": Scene(steps=(_to("analytics", "u"), ((), "takes back"), ((), "→ paused"))),
    "dialog-applied": Scene(
        steps=(_to("analytics", "l", *"40", "tab", "tab", *"import"), ((), "replayed"),
               (("enter",), "done:"))
    ),
}  # fmt: skip
"""By the name of the file in ``shots/``."""

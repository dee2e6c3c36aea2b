"""Why something is as it is, in plain sentences: the same on the screen and in the command.

Which rule, which limit, by how much, since when, and what would lift it. A call is explained by its
record, a project, a model or a target by what holds of it now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from quotadeck.domain.calls import Attempt, Call, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Field, value_facts
from quotadeck.domain.gate import Gate
from quotadeck.domain.history import FoundCall
from quotadeck.domain.lifting import lift
from quotadeck.domain.lifts import least_limit, rule_of
from quotadeck.domain.limits import MICRO, Priority
from quotadeck.domain.notice import Fact, notice
from quotadeck.domain.rules import RULE_BY_CAUSE, Measure, Rule, bucket_of
from quotadeck.domain.series import Series
from quotadeck.domain.snapshot import AnyRow, Change, ProjectRow, RouteRow, Snapshot, TargetRow
from quotadeck.domain.state import HELD_MONEY, NOT_COVERED, Held, StateKind, Urgency
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.words import has, say, text
from quotadeck.words.causes import cause_words
from quotadeck.words.figures import Instant
from quotadeck.words.states import cleared_words, words_of


@dataclass(frozen=True, slots=True)
class Reader:
    """When it is read, on the sender's clocks, and how the reader writes instants."""

    now_ms: int
    now_us: int
    instant: Instant


_WINDOWS: Final = {Measure.RATE: "rate", Measure.SLOTS: "slots", Measure.MONEY: "money"}
_WITH_RULE: Final = frozenset(
    {StateKind.THROTTLED, StateKind.STORM, StateKind.NEAR, StateKind.SPENT}
)


def explain_row(
    row: AnyRow, snapshot: Snapshot, reader: Reader, asked: Series | None = None
) -> list[str]:
    """What holds of a project, a model or a target; ``asked`` of the project, where known."""
    if isinstance(row, RouteRow):
        return _model(row, snapshot, reader)
    return _about(row, snapshot, reader, asked)


def _model(row: RouteRow, snapshot: Snapshot, reader: Reader) -> list[str]:
    """Its own pause, then the target that serves it: what fails there fails here."""
    serving = next((one for one in snapshot.targets if one.id == row.serving), None)
    served = text("explain.serves", name=row.id, target=row.serving)
    told = [] if row.state.kind is StateKind.OK else _about(row, snapshot, reader, None)
    if not told or row.state.kind is not StateKind.PAUSED:
        told += [served] if told else [served, *_changes(row, snapshot, reader)]
        told += _about(serving, snapshot, reader, None) if serving else []
    return told


def _about(row: AnyRow, snapshot: Snapshot, reader: Reader, asked: Series | None) -> list[str]:
    state = row.state
    told = [_holds(row, reader)]
    if state.kind in _WITH_RULE:
        told += _limit(row, state, snapshot, reader)
    told += _changes(row, snapshot, reader)
    if state.urgency is not Urgency.CALM and has(f"explain.rule.{state.kind}"):
        told.append(text(f"explain.rule.{state.kind}"))
    for other in state.others:
        line = words_of(other, reader.now_ms, reader.now_us).line
        told.append(text("explain.also", line=line))
    what = lift(row, snapshot, asked)
    if what is not None:
        told.append(text("explain.lifted", what=say(what, reader.instant)))
    over = cleared_words(state, reader.now_ms)
    return [*told, *(text("explain.cleared", line=line) for line in over)]


def _holds(row: AnyRow, reader: Reader) -> str:
    if row.state.kind is StateKind.OK:
        return text("explain.well", name=row.id)
    held = row.state
    words = words_of(held, reader.now_ms, reader.now_us)
    ago_ms = None if held.since_ms is None else reader.now_ms - held.since_ms
    facts: dict[str, Fact] = {
        "name": row.id,
        "word": words.word,
        "why": words.why or None,
        "since_us": None if ago_ms is None else reader.now_us - ago_ms * 1_000,
        "since_ms": ago_ms,
        "until_us": held.until_us,
    }
    return say(notice("explain.holds", **facts), reader.instant)


_MONEY_CAUSES: Final = (HELD_MONEY, NOT_COVERED)


def _limit(row: AnyRow, held: Held, snapshot: Snapshot, reader: Reader) -> list[str]:
    """The limit that the state is about, who set it, and what is used of it."""
    rule = RULE_BY_CAUSE.get(Cause.BUDGET if held.cause in _MONEY_CAUSES else held.cause)
    who = Subject.parse(held.who)
    rows: Sequence[ProjectRow | TargetRow] = [*snapshot.targets, *snapshot.projects]
    of_target = who.kind is SubjectKind.TARGET
    owner = next((one for one in rows if of_target and one.id == who.name), None)
    if owner is None:
        owner = row if isinstance(row, ProjectRow | TargetRow) else None
    limits = owner.limits if owner is not None else ()
    limit = next((one for one in limits if rule and one.field == rule.field), None)
    if owner is None or rule is None or limit is None:
        return []
    made = next((change for change in owner.changes if change.field == rule.field), None)
    facts = value_facts(rule.field, limit=limit.limit, used=limit.used)
    facts["window"] = text(f"explain.window.{_WINDOWS[rule.measure]}")
    facts["whose"] = text("explain.whose", name=owner.id)
    if made is None:
        return [say(notice("explain.limit.file", **facts), reader.instant)]
    kind = "explain.limit.override" if made.until_us else "explain.limit.standing"
    return [say(notice(kind, was=made.was, **_made(made), **facts), reader.instant)]


def _made(change: Change) -> dict[str, Fact]:
    return {"actor": change.actor, "reason": change.reason or None, "until_us": change.until_us}


def _changes(row: AnyRow, snapshot: Snapshot, reader: Reader) -> list[str]:
    """Who paused it, and where its requests are sent to instead."""
    told = []
    holders: list[AnyRow] = [row]
    if isinstance(row, ProjectRow):
        holders += [route for route in snapshot.routes if route.id in row.models]
    for holder in holders:
        for change in holder.changes:
            if change.field == Field.PAUSED and holder is row:
                told.append(say(notice("explain.paused", **_made(change)), reader.instant))
            if change.field == Field.TARGET and isinstance(holder, RouteRow):
                facts = {"target": holder.serving, **_made(change)}
                told.append(say(notice("explain.forced", **facts), reader.instant))
    return told


# -- a call ----------------------------------------------------------------------------------------


def explain_call(found: FoundCall, reader: Reader) -> list[str]:
    """How a request ended and why, from its record, or from the one it was counted in."""
    call = max(found.calls, key=lambda one: one.count)
    told = []
    if not found.is_own and len(found.calls) > 1:
        told.append(text("explain.counted.maybe", kinds=len(found.calls)))
    elif not found.is_own:
        told.append(text("explain.counted", count=call.count))
    facts: dict[str, Fact] = {
        "target": call.target,
        "status": call.http_status or None,
        "took_ms": call.total_ms,
        "cost_nano": call.cost_nano_usd,
        "cause": cause_words(str(call.cause), call.binding),
        "tries": _tries(call.attempts),
        "at_us": call.at_us,
    }
    match call.outcome:
        case Outcome.REFUSED:
            told += _refused(call, facts, reader)
        case Outcome.OK:
            told.append(text("explain.served", **facts))
        case Outcome.CLIENT_ERROR:
            told.append(text("explain.client_error", **facts))
        case Outcome.UNKNOWN:
            told.append(text("explain.unknown", **facts))
        case _:
            told.append(text("explain.failed", **facts))
    return told


def _tries(attempts: Sequence[Attempt]) -> str | None:
    """Those before the last one, which is the call's own end."""
    failed = len(attempts) - 1
    return text("explain.tries", count=failed) if failed > 0 else None


def _refused(call: Call, facts: dict[str, Fact], reader: Reader) -> list[str]:
    gate = call.gates[0] if call.gates else None
    rule = RULE_BY_CAUSE.get(call.cause)
    if gate is None or rule is None:
        told = [say(notice("explain.refused", **facts), reader.instant)]
    else:
        told = [_by_gate(gate, rule, facts, reader)]
        told += _least(call)
    if call.wait_ms is None:
        return [*told, text("explain.no_wait")] if call.cause is Cause.BUDGET else told
    short = call.wait_ms < 1_000
    kind = "explain.waited.short" if short else "explain.waited"
    return [*told, text(kind, wait_ms=call.wait_ms)]


def _by_gate(gate: Gate, rule: Rule, facts: dict[str, Fact], reader: Reader) -> str:
    owner, _ = bucket_of(gate.bucket)
    unit = MICRO if rule.measure is Measure.RATE else 1
    # Of a part of a token nobody was ever told.
    asked, left = -(-gate.asked // unit), max(0, gate.level // unit)
    kept = gate.asked <= gate.level and rule.measure is Measure.RATE
    kind = "explain.refused.reserve" if kept else f"explain.refused.{rule.kind}"
    told = {
        "whose": text("explain.whose", name=owner.name),
        "kind": rule.kind.value,
        "limit": gate.limit,
        "asked": asked,
        "left": left,
    }
    if not has(kind):
        kind = "explain.refused"
    return say(notice(kind, **{**facts, **told}), reader.instant)


def _least(call: Call) -> list[str]:
    """The least limits that would have let it pass, all of them together."""
    told = []
    for gate in call.gates:
        rule, least = rule_of(gate), least_limit(gate, Priority(call.priority))
        if rule is None or least is None or least <= gate.limit:
            return []
        told.append(text("explain.least.one", **value_facts(rule.field, least=least)))
    return [text("explain.least", limits=tuple(told))] if told else []

"""What two replays come to, one under what is in force and one under a change: an `Estimate`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from quotadeck.backtest.asked import Trace
from quotadeck.backtest.run import (
    ADMITTED,
    DROPPED,
    PAUSED_MODEL,
    PAUSED_PROJECT,
    Verdicts,
)
from quotadeck.backtest.terms import Terms
from quotadeck.domain.days import day_at
from quotadeck.domain.estimate import Bind, Estimate, Hit, Load, Money
from quotadeck.domain.rules import LimitKind
from quotadeck.domain.subject import Subject, SubjectKind

MINUTE_US: Final = 60_000_000
MOST_HITS: Final = 8
MOST_BINDS: Final = 4
MOST_LOADS: Final = 8


class Carried(NamedTuple):
    """What a target carried, by minute."""

    requests: Counter[int]
    tokens: Counter[int]


@dataclass(slots=True)
class Tally:
    """One replay, summed: the requests of the change's subjects, and those of the others."""

    admitted: int = 0
    refused: int = 0
    dropped: int = 0
    cost_nano: int = 0
    others_refused: int = 0
    by_bucket: Counter[str] = field(default_factory=Counter)
    admitted_of: Counter[str] = field(default_factory=Counter)
    refused_of: Counter[str] = field(default_factory=Counter)
    """By project, of all."""
    carried: dict[str, "Carried"] = field(default_factory=dict)
    """By target."""
    cost_of: Counter[str] = field(default_factory=Counter)
    short_of_money_us: dict[str, int] = field(default_factory=dict)
    """By project, when its budget first refused one."""


class Own(NamedTuple):
    """Which requests are the change's."""

    projects: frozenset[str]
    models: frozenset[str]
    targets: frozenset[str]

    @classmethod
    def of(cls, changed: Sequence[Subject]) -> "Own":
        def named(kind: SubjectKind) -> frozenset[str]:
            return frozenset(subject.name for subject in changed if subject.kind is kind)

        kinds = SubjectKind.PROJECT, SubjectKind.MODEL, SubjectKind.TARGET
        return cls(*map(named, kinds))


def tallied(trace: Trace, verdicts: Verdicts, own: Sequence[bool]) -> Tally:
    """Without what came before the time begins, and after it."""
    tally = Tally()
    by_bucket, carried = tally.by_bucket, tally.carried
    admitted_of, cost_of = tally.admitted_of, tally.cost_of
    told = zip(trace.requests, own, verdicts.of, verdicts.cost_nano, verdicts.target, strict=True)
    for one, mine, verdict, nano, target in told:
        at_us, project = one.at_us, one.project
        if at_us < trace.since_us:
            continue
        if verdict == ADMITTED:
            admitted_of[project] += 1
            cost_of[project] += nano
            there = carried.get(target)
            if there is None:
                there = carried[target] = Carried(Counter(), Counter())
            minute, used = at_us // MINUTE_US, one.used
            there.requests[minute] += 1
            there.tokens[minute] += used.input_tokens + used.output_tokens
            if mine:
                tally.admitted += 1
                tally.cost_nano += nano
        elif verdict == DROPPED:
            tally.dropped += mine
        else:
            tally.refused_of[project] += 1
            if verdict.endswith(_MONEY):
                tally.short_of_money_us.setdefault(project, one.at_us)
            if mine:
                tally.refused += 1
                by_bucket[_named(verdict, project, one.model)] += 1
            else:
                tally.others_refused += 1
    return tally


_MONEY: Final = f":{LimitKind.BUDGET}"


def _named(verdict: str, project: str, model: str) -> str:
    if verdict == PAUSED_PROJECT:
        return f"{Subject.project(project)}:paused"
    if verdict == PAUSED_MODEL:
        return f"{Subject.model(model)}:paused"
    return verdict


def estimate(
    trace: Trace,
    changed: Sequence[Subject],
    before: tuple[Terms, Verdicts | None],
    after: tuple[Terms, Verdicts],
    now_us: int,
) -> Estimate:
    """Without verdicts "before" is what really was."""
    was_terms, was_verdicts = before
    really = recorded(trace)
    names = Own.of(changed)
    first, second = (was_verdicts or really).target, after[1].target
    mine = [
        one.project in names.projects
        or one.model in names.models
        or (bool(names.targets) and (first[at] in names.targets or second[at] in names.targets))
        for at, one in enumerate(trace.requests)
    ]
    was = tallied(trace, was_verdicts or really, mine)
    then = tallied(trace, after[1], mine)
    counts = [
        (one, of_mine)
        for one, of_mine in zip(trace.requests, mine, strict=True)
        if of_mine and one.at_us >= trace.since_us
    ]
    hits = _hits(was, then, names)
    return Estimate(
        since_us=trace.since_us,
        until_us=trace.until_us,
        minutes=max(1, (trace.until_us - trace.since_us) // MINUTE_US),
        requests=len(counts),
        admitted_before=was.admitted,
        admitted_after=then.admitted,
        refused_before=was.refused,
        refused_after=then.refused,
        spend_before_nano=was.cost_nano,
        spend_after_nano=then.cost_nano,
        admitted_really=sum(one.admitted for one, _ in counts),
        checked=was_verdicts is not None,
        retries=then.dropped,
        counted=sum(one.counted for one, _ in counts),
        unsized=sum(one.unsized for one, _ in counts),
        others_refused_before=was.others_refused,
        others_refused_after=then.others_refused,
        hits=hits[:MOST_HITS],
        hits_more=max(0, len(hits) - MOST_HITS),
        binds=_binds(was, then),
        loads=tuple(_loads(trace, was_terms, after[0], was, then))[:MOST_LOADS],
        in_flight=sum(one.running for one, _ in counts),
        money=_money(trace, changed, (was_terms, was), (after[0], then), now_us),
    )


def recorded(trace: Trace) -> Verdicts:
    """What really was, as far as a replay tells it: of a refusal not by what."""
    said = [ADMITTED if one.admitted else "really" for one in trace.requests]
    cost = [one.used.cost_nano if one.admitted else 0 for one in trace.requests]
    return Verdicts(said, cost, [one.target for one in trace.requests])


def _hits(was: Tally, then: Tally, own: Own) -> tuple[Hit, ...]:
    found = []
    for project in {*was.admitted_of, *then.admitted_of, *was.refused_of, *then.refused_of}:
        hit = Hit(
            project,
            was.admitted_of[project],
            then.admitted_of[project],
            was.refused_of[project],
            then.refused_of[project],
        )
        if project not in own.projects and hit.admitted_before != hit.admitted_after:
            found.append(hit)
    found.sort(key=lambda hit: (hit.admitted_after - hit.admitted_before, hit.project))
    # Losers by how much they lose; those that win by how much they win.
    lose = [hit for hit in found if hit.admitted_after < hit.admitted_before]
    return (*lose, *reversed(found[len(lose) :]))


def _binds(was: Tally, then: Tally) -> tuple[Bind, ...]:
    buckets = sorted(
        {*was.by_bucket, *then.by_bucket} - {"really"},
        key=lambda bucket: (-then.by_bucket[bucket], -was.by_bucket[bucket], bucket),
    )
    binds = (Bind(each, was.by_bucket[each], then.by_bucket[each]) for each in buckets)
    return tuple(binds)[:MOST_BINDS]


def _loads(trace: Trace, before: Terms, after: Terms, was: Tally, then: Tally) -> Iterator[Load]:
    """Of the targets that carry more after, or less, or stand under another limit."""
    minutes = range(trace.since_us // MINUTE_US, -(-trace.until_us // MINUTE_US))
    long = max(1, trace.until_us - trace.since_us)
    nothing = Carried(Counter(), Counter())
    for target in sorted({*was.carried, *then.carried}):
        plan, old = after.target(target), before.target(target)
        carried = was.carried.get(target, nothing), then.carried.get(target, nothing)
        for limit in plan.limits if plan else ():
            kind = 0 if limit.rule.counts is None else 1
            had, has = ([each[kind][minute] for minute in minutes] for each in carried)
            if limit.value is None or (has == had and old and limit in old.limits):
                continue
            means = [sum(each) * MINUTE_US // long for each in (had, has)]
            most = max(has, default=0)
            yield Load(target, limit.rule.kind, limit.value, means[0], means[1], most)


def _money(
    trace: Trace,
    changed: Sequence[Subject],
    before: tuple[Terms, Tally],
    after: tuple[Terms, Tally],
    now_us: int,
) -> Money | None:
    """Of a change of one project, where its day has a limit before or after."""
    if len(changed) != 1 or changed[0].kind is not SubjectKind.PROJECT:
        return None
    project = changed[0].name
    plan, new = before[0].project(project), after[0].project(project)
    if plan is None or new is None:
        return None
    limits = plan.budget.value, new.budget.value
    if limits == (None, None):
        return None
    day = day_at(now_us, plan.project.zone)
    spent = trace.settled_nano.get(project, {}).get(day.name, 0)

    def gone_us(limit: int | None, tally: Tally) -> int | None:
        if limit is None:
            return None
        if spent >= limit:
            return now_us
        short_us = tally.short_of_money_us.get(project, trace.until_us)
        # Until the money ran out in the replay: behind that nothing is spent, whatever is asked.
        long = max(MINUTE_US, short_us - trace.since_us)
        if not (cost_nano := tally.cost_of[project]):
            return None
        gone_us = now_us + (limit - spent) * long // cost_nano
        return gone_us if gone_us < day.end_us else None

    gone = gone_us(limits[0], before[1]), gone_us(limits[1], after[1])
    return Money(spent, limits[0], limits[1], gone[0], gone[1], day.end_us)

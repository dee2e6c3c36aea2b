"""An estimate in words, the most telling first: what the dialog and the command line say of it."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from quotadeck.domain.ages import share
from quotadeck.domain.estimate import Bind, Estimate, Hit, Money
from quotadeck.domain.notice import Fact, Notice, notice
from quotadeck.domain.rules import bucket_of
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.words import say, text
from quotadeck.words.figures import Instant
from quotadeck.words.numbers import three

_MOST_NAMED: Final = 3


class Told(NamedTuple):
    """A sentence, and how it is to be read: as attention, normal or dim."""

    role: str
    words: str


def heading(e: Estimate, instant: Instant) -> str:
    """What was replayed."""
    if not e.requests:
        return text("estimate.none", minutes=e.minutes)
    facts = {"requests": e.requests, "minutes": e.minutes}
    if e.all_there_is:
        return text("estimate.of", **facts)
    span = {"since_us": e.since_us, "until_us": e.until_us}
    return say(Notice("estimate.of.part", {**facts, **span}), instant)


def told(e: Estimate, subject: Subject, instant: Instant) -> list[Told]:
    """All that is to be said beside the figures."""
    found = [
        *_budget(e),
        *_bound(e, subject),
        *_hits(e.hits, e.hits_more),
        *_others(e, subject),
        *_loads(e, subject),
        *_check(e),
        *_sources(e),
    ]
    return [Told(role, say(each, instant)) for role, each in found]


_Found = Iterator[tuple[str, Notice]]


def _budget(e: Estimate) -> _Found:
    money, now_us = e.money, e.until_us
    if money is None:
        return
    was, gone = money.gone_before_us, money.gone_after_us
    if gone is None:
        if told := _lasts_the_day(money, now_us):
            yield "normal", told
        return
    left_ms = max(0, gone - now_us) // 1_000
    lasts = {"gone_us": gone, "lasts_ms": left_ms - left_ms % 60_000 or left_ms}
    if gone <= now_us:
        yield "attention", notice("estimate.budget.spent", ends_us=money.ends_us)
    elif was is None:
        kind = "sooner" if money.limit_before_nano is not None else "lasts"
        yield "attention", Notice(f"estimate.budget.{kind}", lasts)
    elif was <= now_us:
        yield "attention", notice("estimate.budget.again", **lasts)
    elif abs(gone - was) < 60_000_000:
        yield "normal", notice("estimate.budget.lasts", **lasts)
    elif gone < was:
        yield "attention", notice("estimate.budget.earlier", was_us=was, **lasts)
    else:
        yield "normal", notice("estimate.budget.later", was_us=was, **lasts)


def _lasts_the_day(money: Money, now_us: int) -> Notice | None:
    was, ends_us = money.gone_before_us, money.ends_us
    if money.limit_after_nano is None:
        return None if was is None else notice("estimate.budget.none", was_us=was)
    if was is None:
        same = money.limit_before_nano == money.limit_after_nano
        return None if same else notice("estimate.budget.day", ends_us=ends_us)
    if was <= now_us:
        return notice("estimate.budget.again.day", ends_us=ends_us)
    return notice("estimate.budget.saved", was_us=was, ends_us=ends_us)


def _bound(e: Estimate, subject: Subject) -> _Found:
    """What refuses then: a change never lets through what another limit forbids."""
    refusing = [bind for bind in e.binds if bind.refused_after]
    for bind in refusing[:2]:
        facts = {"limit": _limit(bind, subject), "refused": three(bind.refused_after)}
        if e.refused_after == e.refused_before and bind is refusing[0]:
            yield "attention", notice("estimate.admits_no_more", **facts)
        elif bind.refused_before:
            yield "normal", notice("estimate.then_refuses", **facts)
        else:
            yield "attention", notice("estimate.refuses", **facts)


def _limit(bind: Bind, subject: Subject) -> str:
    of, kind = bucket_of(bind.bucket)
    if kind == "paused":
        return text("estimate.limit.paused", name=of.name)
    if of == subject:
        return text("estimate.limit", kind=kind)
    return text("estimate.limit.of", name=of.name, kind=kind)


def _hits(hits: Sequence[Hit], more: int) -> _Found:
    """``more`` are those that stand in no list."""
    cut = [hit for hit in hits if not hit.admitted_after]
    lose = [hit for hit in hits if 0 < hit.admitted_after < hit.admitted_before]
    gain = [hit for hit in hits if hit.admitted_after > hit.admitted_before]
    if cut:
        names = tuple(hit.project for hit in cut[:_MOST_NAMED])
        yield "attention", notice("estimate.cuts_off", projects=names, more=_more(cut, more))
        more = 0
    if lose:
        names = tuple(map(_step, lose[:_MOST_NAMED]))
        yield "attention", notice("estimate.takes", projects=names, more=_more(lose, more))
        more = 0
    if gain:
        names = tuple(map(_step, gain[:_MOST_NAMED]))
        yield "normal", notice("estimate.gives", projects=names, more=_more(gain, more))


def _step(hit: Hit) -> str:
    return f"{hit.project} {three(hit.admitted_before)}→{three(hit.admitted_after)}"


def _more(named: Sequence[Hit], more: int) -> int | None:
    return max(0, len(named) - _MOST_NAMED) + more or None


def _others(e: Estimate, subject: Subject) -> _Found:
    if e.others_refused_before != e.others_refused_after:
        was, then = three(e.others_refused_before), three(e.others_refused_after)
        worse = e.others_refused_after > e.others_refused_before
        role = "attention" if worse else "normal"
        yield role, notice("estimate.others", was=was, then=then)
    if e.in_flight and subject.kind is not SubjectKind.TARGET:
        yield "normal", notice("estimate.in_flight", count=e.in_flight)


def _loads(e: Estimate, subject: Subject) -> _Found:
    """Of targets that carry more then: those near their limit, and where a model's traffic goes."""
    for load in e.loads:
        if load.after <= load.before:
            continue
        facts: dict[str, Fact] = {
            "target": load.target,
            "before": three(load.before),
            "after": three(load.after),
            "limit": three(load.limit),
            "kind": load.kind,
        }
        # Low priority leaves the last thirty percent to the others.
        if load.most_after * 10 > load.limit * 7:
            most = three(load.most_after)
            yield "attention", notice("estimate.load.full", **facts, most=most)
        elif subject.kind is SubjectKind.MODEL or load.most_after * 2 > load.limit:
            room = three(load.limit - load.most_after)
            yield "normal", notice("estimate.load", **facts, room=room)


def _check(e: Estimate) -> _Found:
    if not e.requests:
        return
    if not e.checked:
        yield "dim", notice("estimate.unchecked")
    elif not e.same_terms:
        yield "dim", notice("estimate.changed")
    elif e.admitted_before != e.admitted_really:
        replayed, really = three(e.admitted_before), three(e.admitted_really)
        yield "dim", notice("estimate.off", replayed=replayed, really=really)


def _sources(e: Estimate) -> _Found:
    if e.retries:
        yield "dim", notice("estimate.retries", count=e.retries)
    if e.counted:
        yield "dim", notice("estimate.counted", share=share(e.counted, e.requests))
    if e.unsized:
        yield "dim", notice("estimate.unsized", share=share(e.unsized, e.requests))

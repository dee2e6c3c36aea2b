"""Strategies for snapshots, and for sequences in which each follows from the one before."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from quotadeck.domain.layers import Layer
from quotadeck.domain.notice import Notice
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
)
from quotadeck.domain.state import AT_REST, Held, State, StateKind, Urgency
from quotadeck.domain.text import clean

T = TypeVar("T")


def done(work: Generator[None, None, T]) -> T:
    """The result of work in slices, at once."""
    try:
        while True:
            next(work)
    except StopIteration as end:
        result: T = end.value
        return result


ints = st.integers(-(2**62), 2**62)
counts = st.integers(0, 2**62)
texts = st.text(max_size=12).map(clean)
ids = st.sampled_from("abcdef")
levels = st.none() | st.builds(Level, ints, counts, counts)
limits = st.lists(st.builds(LimitReading, texts, counts, counts, counts, levels), max_size=3).map(
    tuple
)
flows = st.builds(Flow, counts, counts, counts, p95_ms=st.none() | counts)
held = st.builds(
    Held,
    st.sampled_from(StateKind),
    st.sampled_from(Urgency),
    texts,
    texts,
    counts,
    counts,
    st.none() | ints,
)
states = st.just(AT_REST) | st.builds(
    State,
    st.sampled_from(StateKind),
    st.sampled_from(Urgency),
    texts,
    others=st.lists(held, max_size=1).map(tuple),
    cleared=st.none() | st.sampled_from(StateKind),
)
changes = st.lists(
    st.builds(
        Change, texts, texts, texts, texts, st.sampled_from(Layer), st.none() | ints, texts, texts
    ),
    max_size=2,
).map(tuple)
budgets = st.builds(Budget, st.none() | counts, counts, counts, counts)
names = st.lists(texts, max_size=3).map(tuple)

projects = st.builds(
    ProjectRow,
    ids,
    texts,
    texts,
    counts,
    st.booleans(),
    limits,
    budgets,
    flows,
    changes,
    names,
    states,
)
facts = st.dictionaries(texts, st.one_of(counts, texts, st.none(), st.booleans(), names))
notices = st.builds(Notice, texts, facts)
targets = st.builds(TargetRow, ids, counts, limits, flows, counts, changes, states)
routes = st.builds(RouteRow, ids, counts, names, texts, st.booleans(), changes, states)
events = st.builds(Event, ids, counts, texts, notices)
vitals = st.builds(
    Vitals,
    texts,
    texts,
    texts,
    counts,
    st.lists(notices, max_size=3).map(tuple),
    counts,
    counts,
    counts,
    counts,
)


def tables(rows: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(rows, max_size=4, unique_by=lambda row: row.id).map(tuple)


snapshots = st.builds(
    Snapshot,
    counts,
    counts,
    vitals,
    tables(projects),
    tables(targets),
    tables(routes),
    tables(events),
)


@st.composite
def sequences(draw: st.DrawFn) -> list[Snapshot]:
    """Up to six snapshots: tables stay, lose, gain, reorder or change rows, or come anew."""
    sequence = [draw(snapshots)]
    for _ in range(draw(st.integers(0, 5))):
        last, fresh = sequence[-1], draw(snapshots)
        sequence.append(
            replace(
                fresh,
                vitals=draw(st.sampled_from((last.vitals, fresh.vitals))),
                projects=draw(_next(last.projects, fresh.projects)),
                targets=draw(_next(last.targets, fresh.targets)),
                routes=draw(_next(last.routes, fresh.routes)),
                events=draw(_next(last.events, fresh.events)),
            )
        )
    return sequence


def _next(old: tuple[Any, ...], new: tuple[Any, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    known = {row.id for row in old}
    touched = tuple(replace(one, id=row.id) for one, row in zip(new, old, strict=False))
    changed = touched + old[len(touched) :]
    gained = (*old, *(row for row in new if row.id not in known))
    return st.sampled_from((old, old[1:], changed, gained, new)) | st.permutations(gained).map(
        tuple
    )

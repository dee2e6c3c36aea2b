"""The sentence of a row: what holds, why and since when; what else; what was done; what is over.

Each part says the same at several lengths. All parts have their short form before one has a long
one, so that no trouble is hidden behind the details of another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quotadeck.domain.commands import Field
from quotadeck.domain.snapshot import Change, LimitedRow
from quotadeck.domain.state import Held, StateKind, Urgency
from quotadeck.domain.subject import Subject
from quotadeck.tui.columns.parts import At
from quotadeck.tui.in_force import changes_text, in_force
from quotadeck.tui.kit.fit import cell_len, fit
from quotadeck.tui.kit.spans import GAP, Span
from quotadeck.words import text
from quotadeck.words.numbers import short
from quotadeck.words.states import briefs_of, cleared_short, cleared_words, words_of

FIRST, _BEHIND, _CAUSE, _DONE, OWN, _OVER, _MINOR, _LONG = range(8)
"""In this order parts get their place, and then more of it."""


Form = tuple[str, ...]
"""What is said, in pieces, so that an age that grows sends only itself."""
Turn = tuple[int, Form]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the sentence in a role; ``forms`` from the shortest on, each with its turn."""

    role: str
    forms: tuple[Turn, ...]


def why_spans(row: LimitedRow, at: At, cells: int) -> Sequence[Span]:
    """As much of the row's sentence as there is room for."""
    return filled(parts_of(row, at), cells)


def filled(parts: Sequence[Part], cells: int) -> Sequence[Span]:
    """As much of the parts as there is room for; only the first words are ever cut."""
    chosen: list[Form | None] = [None] * len(parts)
    beside = text("row.beside")
    room = cells
    turns = sorted(
        (turn, place, length, form)
        for place, part in enumerate(parts)
        for length, (turn, form) in enumerate(part.forms)
    )
    _, first_place, _, form = turns[0]
    if _cells(form) > cells:
        return [Span(fit("".join(form), cells), parts[first_place].role)]
    for _, place, _, form in turns:
        before = chosen[place]
        gain = _cells(form) - (_cells(before) if before else 0)
        gain += 0 if before or not any(chosen) else cell_len(beside)
        if gain <= room:
            chosen[place] = form
            room -= gain
    spans: list[Span] = []
    for part, said in zip(parts, chosen, strict=True):
        if said is None:
            continue
        if spans:
            spans.append(Span(beside, "dim"))
        spans += [Span(piece, part.role) for piece in said]
    return [*spans, Span(" " * room)] if room else spans


def parts_of(row: LimitedRow, at: At) -> list[Part]:
    """The parts in the order in which they are read."""
    state, now = row.state, at.now
    parts = [first(state, row.flow.refused_60s, row.changes, at)]
    others = [one for one in state.others if one.kind is not StateKind.OK]
    parts += [other(one, at) for one in others if one.urgency is Urgency.TROUBLE]
    done = _done(row, at)
    parts += [done] if done else []
    parts += [other(one, at) for one in others if one.urgency is not Urgency.TROUBLE]
    over = cleared_words(state, now.now_ms)
    if over:
        forms = ((_OVER, (cleared_short(state, now.now_ms),)), (_LONG, tuple(over)))
        parts.append(Part(at.quiet("dim"), forms))
    return parts


def first(
    state: Held, refused: int, changes: Sequence[Change], at: At, row: Subject | None = None
) -> Part:
    """What holds first of the row: its word, since when, and its cause; so many were refused in
    60 s."""
    words = words_of(state, at.now.now_ms, at.now.now_us)
    calm = state.urgency is Urgency.CALM
    role = "attention" if state.kind is StateKind.PAUSED else "normal" if calm else state.urgency
    role = at.quiet("dim" if state.kind is StateKind.OK else role)
    whens = [when for when in dict.fromkeys((words.when_short, words.when)) if when]
    forms: list[Turn] = [
        (FIRST, (words.word,)),
        *((FIRST, _said(words.word, when)) for when in whens),
    ]
    if state.kind is StateKind.PAUSED:
        forms += _paused(changes, forms[-1][1])
    else:
        what = forms[-1][1]
        briefs = briefs_of(state, short(refused) if refused else "", row)
        forms += [(_CAUSE, _why(what, brief)) for brief in briefs]
        if words.why:
            forms += [(_LONG, (words.line,))]
    return Part(role, tuple(forms))


def _why(what: Form, why: str) -> Form:
    said = "".join(what)
    return (*what, text("row.why", what=said, why=why).removeprefix(said))


def _paused(changes: Sequence[Change], what: Form) -> list[Turn]:
    pause = next((one for one in changes if one.field == Field.PAUSED), None)
    if pause is None:
        return []
    said = "".join(what)
    told = [
        text("row.paused", what=said, reason=reason, actor=pause.actor)
        for reason in dict.fromkeys(("", pause.reason))
    ]
    return [(_CAUSE, (*what, one.removeprefix(said))) for one in told]


def other(held: Held, at: At) -> Part:
    """What else holds."""
    words = words_of(held, at.now.now_ms, at.now.now_us)
    trouble = held.urgency is Urgency.TROUBLE
    turn = _BEHIND if trouble else _MINOR
    role = at.quiet(held.urgency.value if held.urgency is not Urgency.CALM else "dim")
    forms: list[Turn] = [(turn, (words.word,))]
    if words.when:
        forms.append((turn, _said(words.word, words.when_short or words.when)))
    return Part(role, (*forms, (_LONG, (words.line,))))


def _done(row: LimitedRow, at: At) -> Part | None:
    force = in_force(row, at.routes, at.now)
    if not force.word:
        return None
    forms: list[Turn] = [(_DONE, (force.word,))]
    if force.left:
        forms.append((_DONE, _said(force.word, force.left)))
    if force.changes:
        forms.append((_LONG, (changes_text(force.changes, at.now),)))
    return Part(at.quiet("attention"), tuple(forms))


def _said(word: str, when: str) -> Form:
    return (word, GAP.text, when)


def _cells(form: Form) -> int:
    return sum(map(cell_len, form))

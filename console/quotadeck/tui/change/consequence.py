"""What the change dialog shows, as lines: the form, what it would do, and the way back. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from quotadeck.domain.answers import CommandAnswer
from quotadeck.domain.commands import Command, value_facts
from quotadeck.domain.estimate import Estimate
from quotadeck.domain.money import usd_short
from quotadeck.domain.notice import Fact, Notice
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.text import clean
from quotadeck.domain.verbs import VERBS, End
from quotadeck.tui.change.form import Choice, Form
from quotadeck.tui.change.values import as_command_line
from quotadeck.tui.keys.act import key_name
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.kit.fit import cell_len, fit, folded
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.words import say, text
from quotadeck.words.commands import field_word, value
from quotadeck.words.estimates import Told, heading, told
from quotadeck.words.figures import Instant
from quotadeck.words.numbers import NONE, three
from quotadeck.words.times import day_time

_LABEL: Final = 12
_PARTS: Final = 4
"""Of a change of several: so many are told one by one."""


@dataclass(frozen=True, slots=True)
class View:
    """What the dialog shows: the form, and what is known of the command that it stands for."""

    form: Form
    command: Command | None = None
    answer: CommandAnswer | None = None
    missing: str = ""
    """What is still to be typed: no mistake until enter was pressed."""
    refused: str = ""
    """Why the gateway would refuse it, from its preview."""
    error: str = ""
    """What the last enter came to; gone with the next edit."""
    applying: bool = False
    confirm: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """What stands around the form: its title, the value in force, what is to be read first."""

    title: str
    keys: Keys
    instant: Instant
    """How the reader writes an instant."""
    now: str = ""
    about: tuple[tuple[str, str], ...] = ()


def instants(zone: tzinfo | None, now_us: int) -> Instant:
    """Times of day on the screen's clock, with the day where that is not today."""
    return lambda at_us: day_time(at_us, now_us, zone)


def dialog_lines(setting: Setting, view: View, width: int, height: int) -> list[Line]:
    """The dialog as lines of ``width`` cells, frame included.

    What a replay says beside its figures has the room that is left of ``height``.
    """
    inner, title = width - 4, setting.title
    body = _form(setting, view, inner)
    for name, words in setting.about:
        body.append((Span(fit(name, _LABEL), "dim"), Span(clean(words, 200), "normal")))
    body.append((Span("─" * inner, "dim"),))
    body += _consequence(setting, view, inner)
    beside = len(body)
    if view.command is not None:
        shell = folded(as_command_line(view.command), inner - _LABEL)[:4]
        headings = (text("dialog.as_command"), "", "", "")
        for heading, part in zip(headings, shell, strict=False):
            body.append((Span(fit(heading, _LABEL), "dim"), Span(part, "normal")))
    wrong = view.error or view.refused
    mark, role = ("! ", "trouble") if wrong else ("  ", "dim")
    for number, part in enumerate(folded(clean(wrong or view.missing, 400), inner - 2)[:4]):
        if part:
            body.append((Span("  " if number else mark, role), Span(part, role)))
    estimate = view.answer.estimate if view.answer and not view.answer.refused else None
    if estimate and view.answer:
        said = _flowing(told(estimate, view.answer.subject, setting.instant), inner)
        body[beside:beside] = said[: max(0, height - len(body) - 2)]
    foot = text("dialog.applying") if view.applying else _foot(setting.keys)
    top = f"┌ {fit(title, min(cell_len(title), width - 6))} "
    framed: list[Line] = [
        (
            Span("┌ ", "dim"),
            Span(top[2:-1], "strong"),
            Span(" ", "dim"),
            Span("─" * (width - cell_len(top) - 1) + "┐", "dim"),
        )
    ]
    framed += [(Span("│ ", "dim"), *crop(line, inner), Span(" │", "dim")) for line in body]
    rule = width - 5 - cell_len(foot)
    framed.append((Span("└─ ", "dim"), Span(foot, "key"), Span(" " + "─" * rule + "┘", "dim")))
    return framed


def _form(setting: Setting, view: View, inner: int) -> list[Line]:
    lines: list[Line] = []
    for index, field in enumerate(view.form.fields):
        focused = index == view.form.focus and not view.applying
        label = Span(fit(field.label, _LABEL), "key" if focused else "dim")
        spans = [label, *field.spans(focused=focused)]
        room = inner - sum(cell_len(span.text) for span in spans) - 2
        now = setting.now if field.id == "value" else ""
        if now:
            spans.append(Span("  " + fit(now, min(cell_len(now), room)), "normal"))
            room -= cell_len(now) + 2
        hint = _turning(setting.keys) if isinstance(field, Choice) else field.hint
        if hint and cell_len(hint) <= room:
            spans.append(Span("  " + hint, "dim"))
        lines.append(tuple(spans))
    return lines


def _turning(keys: Keys) -> str:
    previous, following = keys.shown("choice.previous"), keys.shown("choice.next")
    return text("dialog.choose", previous=previous, next=following)


def _foot(keys: Keys) -> str:
    acts = [act for act in keys.of("dialog") if act.label and act.keys]
    return "   ".join(f"{key_name(act.keys[0])} {act.label}" for act in acts)


def _consequence(setting: Setting, view: View, inner: int) -> list[Line]:
    answer, lines = view.answer, list[Line]()
    if answer is None:
        waiting = text("dialog.waiting") if view.command and not view.error else NONE
        return [(Span(fit(text("dialog.preview"), _LABEL), "dim"), Span(waiting, "dim"))]
    if answer.refused is None:
        told = _parts if answer.parts[1:] else _step
        lines += told(setting, view.command, answer, inner)
    if answer.estimate:
        lines += _estimate(answer.estimate, setting.instant, inner)
    for warning in answer.warnings:
        for number, part in enumerate(folded(say(warning, setting.instant), inner - 2)[:4]):
            lines.append((Span("  " if number else "! ", "attention"), Span(part, "attention")))
    return lines


def _parts(
    setting: Setting, command: Command | None, answer: CommandAnswer, inner: int
) -> list[Line]:
    """Until when a change of several is in force; the first few, from which value to which."""
    word = Span(fit(field_word(answer.field), _LABEL), "dim")
    lines: list[Line] = [
        (word, Span(_end(setting, command, answer, kind="dialog.until.several"), "normal"))
    ]
    for part in answer.parts[:_PARTS]:
        values = value_facts(part.field, before=part.before, after=part.after)
        told = text("dialog.several.part", name=part.subject.name, **values)
        lines.append((Span(" " * _LABEL), Span(fit(told, inner - _LABEL))))
    more = len(answer.parts) - _PARTS
    if more > 0:
        lines.append((Span(" " * _LABEL), Span(text("dialog.several.more", count=more), "dim")))
    return lines


def _step(
    setting: Setting, command: Command | None, answer: CommandAnswer, inner: int
) -> list[Line]:
    """From which value to which, and until when; in a second line where that does not fit."""
    before, after = value(answer.field, answer.before), value(answer.field, answer.after)
    change = (
        Span(fit(field_word(answer.field), _LABEL), "dim"),
        Span(before, "normal"),
        Span(" → ", "dim"),
        Span(after, "strong"),
    )
    end = Span("   " + _end(setting, command, answer), "normal")
    if sum(cell_len(span.text) for span in (*change, end)) <= inner:
        return [(*change, end)]
    return [change, (Span(" " * (_LABEL - 3)), end)]


def _end(
    setting: Setting, command: Command | None, answer: CommandAnswer, kind: str = "dialog.until"
) -> str:
    if answer.until_us is None:
        stands = command is not None and VERBS[command.action].end is End.USUAL
        return text("dialog.stands") if stands else ""
    facts = {**value_facts(answer.field, then=answer.then), "until_us": answer.until_us}
    return say(Notice(kind, facts), setting.instant)


def _estimate(e: Estimate, instant: Instant, inner: int) -> list[Line]:
    head = (
        Span(fit(text("dialog.estimate"), _LABEL), "dim"),
        Span(heading(e, instant), "normal"),
    )
    if not e.requests:
        return [head]

    def pair(word: str, before: str, after: str) -> list[Span]:
        role = "normal" if before == after else "strong"
        named = Span(text(f"dialog.{word}") + " ", "dim")
        return [named, Span(f"{before} → ", "dim"), Span(after, role), Span("  ")]

    requests = [
        *pair("admitted", three(e.admitted_before), three(e.admitted_after)),
        *pair("refused", three(e.refused_before), three(e.refused_after)),
    ]
    # Where nothing was admitted, and no size told, nothing is known of what a request costs.
    blind = e.admitted_after and not e.admitted_before and not e.spend_after_nano
    after = text("dialog.unknown") if blind else _an_hour(e, e.spend_after_nano)
    money = pair("spend", _an_hour(e, e.spend_before_nano), after)
    indent = Span(" " * _LABEL)
    fits = _LABEL + sum(cell_len(span.text) for span in (*requests, *money)) <= inner + 2
    figures = [(indent, *requests, *money)] if fits else [(indent, *requests), (indent, *money)]
    return [head, *figures]


def _an_hour(e: Estimate, nano: int) -> str:
    return text("dialog.an_hour", money=usd_short(e.an_hour(nano)))


def _flowing(said: Sequence[Told], inner: int) -> list[Line]:
    """One behind the other, as many a line as fit; what warns begins with a mark."""
    lines: list[list[Span]] = []
    room = 0
    for role, words in said:
        mark = "! " if role == "attention" else ""
        if lines and cell_len(mark + words) + 3 <= room:
            lines[-1] += [Span(" · ", "dim"), Span(mark + words, role)]
            room -= cell_len(mark + words) + 3
            continue
        for number, part in enumerate(filter(None, folded(words, inner - 2))):
            lines.append([Span("  " if number else mark or "  ", role), Span(part, role)])
            room = inner - 2 - cell_len(part)
    return [tuple(line) for line in lines]


def outcome(answer: CommandAnswer, instant: Instant) -> tuple[str, str]:
    """What was done, in a line, and its role: what stands in no log is trouble."""
    subject = answer.subject
    name = subject.name if subject.kind is SubjectKind.PROJECT else str(subject)
    facts: dict[str, Fact] = value_facts(answer.field, before=answer.before, after=answer.after)
    facts |= {"name": name, "until_us": answer.until_us}
    if answer.parts[1:] and answer.recorded:
        return say(Notice("done.several", {**facts, "count": len(answer.parts)}), instant), "normal"
    if subject.kind is SubjectKind.LEASE and answer.recorded:
        return say(Notice("done.lease", facts), instant), "normal"
    kind, role = ("done", "normal") if answer.recorded else ("done.unrecorded", "trouble")
    return say(Notice(kind, facts), instant), role

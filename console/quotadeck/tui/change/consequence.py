"""What the change dialog shows, as lines: the form, what it would do, and the way back. Pure."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from quotadeck.domain.answers import CommandAnswer, Estimate
from quotadeck.domain.commands import Command
from quotadeck.domain.money import usd_short
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.text import clean
from quotadeck.domain.verbs import VERBS, End
from quotadeck.tui.change.form import Choice, Form
from quotadeck.tui.change.values import as_command_line
from quotadeck.tui.in_force import short_field
from quotadeck.tui.keys.act import key_name
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.kit.fit import cell_len, fit, folded
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.words import say
from quotadeck.words.commands import value
from quotadeck.words.figures import Instant
from quotadeck.words.numbers import NONE, three
from quotadeck.words.times import day_time

_LABEL: Final = 12


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
    now: str = ""
    about: tuple[tuple[str, str], ...] = ()


def dialog_lines(
    setting: Setting, view: View, keys: Keys, zone: tzinfo | None, width: int, *, now_us: int
) -> list[Line]:
    """The dialog as lines of ``width`` cells, frame included; ``now_us`` says what is today."""
    inner, title = width - 4, setting.title
    body: list[Line] = []
    for index, field in enumerate(view.form.fields):
        focused = index == view.form.focus and not view.applying
        label = Span(fit(field.label, _LABEL), "key" if focused else "dim")
        spans = [label, *field.spans(focused=focused)]
        room = inner - sum(cell_len(span.text) for span in spans) - 2
        now = setting.now if field.id == "value" else ""
        if now:
            spans.append(Span("  " + fit(now, min(cell_len(now), room)), "normal"))
            room -= cell_len(now) + 2
        hint = _turning(keys) if isinstance(field, Choice) else field.hint
        if hint and cell_len(hint) <= room:
            spans.append(Span("  " + hint, "dim"))
        body.append(tuple(spans))
    for name, words in setting.about:
        body.append((Span(fit(name, _LABEL), "dim"), Span(clean(words, 200), "normal")))
    body.append((Span("─" * inner, "dim"),))
    body += _consequence(view, zone, inner, now_us)
    if view.command is not None:
        text = as_command_line(view.command)
        for number, part in enumerate(folded(text, inner - _LABEL)[:4]):
            heading = "as command" if number == 0 else ""
            body.append((Span(fit(heading, _LABEL), "dim"), Span(part, "normal")))
    wrong = view.error or view.refused
    mark, role = ("! ", "trouble") if wrong else ("  ", "dim")
    for number, part in enumerate(folded(clean(wrong or view.missing, 400), inner - 2)[:4]):
        if part:
            body.append((Span("  " if number else mark, role), Span(part, role)))
    foot = "applying …" if view.applying else _foot(keys)
    top = f"┌ {fit(title, min(cell_len(title), width - 6))} "
    framed: list[Line] = [
        (Span("┌ ", "dim"), Span(top[2:-1], "strong"), Span(" ", "dim"),
         Span("─" * (width - cell_len(top) - 1) + "┐", "dim"))
    ]  # fmt: skip
    framed += [(Span("│ ", "dim"), *crop(line, inner), Span(" │", "dim")) for line in body]
    rule = width - 5 - cell_len(foot)
    framed.append((Span("└─ ", "dim"), Span(foot, "key"), Span(" " + "─" * rule + "┘", "dim")))
    return framed


def _turning(keys: Keys) -> str:
    return f"{keys.shown('choice.previous')} {keys.shown('choice.next')} to choose"


def _foot(keys: Keys) -> str:
    acts = [act for act in keys.of("dialog") if act.label and act.keys]
    return "   ".join(f"{key_name(act.keys[0])} {act.label}" for act in acts)


def _consequence(view: View, zone: tzinfo | None, inner: int, now_us: int) -> list[Line]:
    answer = view.answer
    if answer is None:
        waiting = "asking the gateway …" if view.command and not view.error else NONE
        return [(Span(fit("preview", _LABEL), "dim"), Span(waiting, "dim"))]
    lines: list[Line] = []
    if not answer.refused:
        change = (
            Span(fit(short_field(answer.field or "preview"), _LABEL), "dim"),
            Span(value(answer.field, answer.before), "normal"), Span(" → ", "dim"),
            Span(value(answer.field, answer.after), "strong"),
        )  # fmt: skip
        end = Span("   " + _end(view.command, answer, zone, now_us), "normal")
        if sum(cell_len(span.text) for span in (*change, end)) <= inner:
            lines.append((*change, end))
        else:
            lines += [change, (Span(" " * (_LABEL - 3)), end)]
    if answer.estimate:
        lines += _estimate(answer.estimate, inner)
    for warning in answer.warnings:
        for number, part in enumerate(folded(say(warning, instants(zone, now_us)), inner - 2)[:4]):
            lines.append((Span("  " if number else "! ", "attention"), Span(part, "attention")))
    return lines


def _end(command: Command | None, answer: CommandAnswer, zone: tzinfo | None, now_us: int) -> str:
    if answer.until_us is None:
        lasts = command is not None and VERBS[command.action].end is End.USUAL
        return "until somebody changes it" if lasts else ""
    until = instants(zone, now_us)(answer.until_us)
    return f"until {until}, then {value(answer.field, answer.then)} again"


def instants(zone: tzinfo | None, now_us: int) -> Instant:
    """How instants are written here: ``04:03`` today, ``25 Nov 04:03`` on another day."""
    return lambda at_us: day_time(at_us, now_us, zone)


def _estimate(e: Estimate, inner: int) -> list[Line]:
    def pair(word: str, before: str, after: str) -> list[Span]:
        role = "normal" if before == after else "strong"
        return [Span(f"{word} ", "dim"), Span(f"{before} → ", "dim"), Span(after, role), Span("  ")]

    head = f"last {e.minutes} min, from roll-ups: {three(e.requests)} requests came"
    requests = [
        *pair("admitted", three(e.admitted_before), three(e.admitted_after)),
        *pair("refused", three(e.refused_before), three(e.refused_after)),
    ]
    # Where nothing was admitted nothing is known of what a request costs.
    blind = not e.admitted_before and e.admitted_after
    after = "unknown" if blind else usd_short(e.spend_after_nano)
    money = pair("spend", usd_short(e.spend_before_nano), after)
    indent = Span(" " * _LABEL)
    fits = _LABEL + sum(cell_len(span.text) for span in (*requests, *money)) <= inner + 2
    figures = [(indent, *requests, *money)] if fits else [(indent, *requests), (indent, *money)]
    return [(Span(fit("estimate", _LABEL), "dim"), Span(head, "normal")), *figures]


def outcome(answer: CommandAnswer, zone: tzinfo | None, now_us: int) -> tuple[str, str]:
    """What was done, in a line, and its role: what stands in no log is trouble."""
    until_us, about = answer.until_us, answer.subject
    until = f" until {instants(zone, now_us)(until_us)}" if until_us else ""
    name = about.name if about.kind is SubjectKind.PROJECT else str(about)
    what = f"{name} {short_field(answer.field or '')}".rstrip()
    before, after = value(answer.field, answer.before), value(answer.field, answer.after)
    text = f"done: {what} {before} → {after}{until}"
    return (text, "normal") if answer.recorded else (f"in force, NOT recorded: {text}", "trouble")

"""A report in words: Markdown for the post-mortem, CSV for a spreadsheet.

Texts from outside (names, reasons, notes) are drawn as they are written: Markdown is escaped, and
no cell of the CSV is a formula.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from quotadeck.domain.ages import share
from quotadeck.domain.cells import csv_text, markdown_cell, markdown_table
from quotadeck.domain.commands import Action, Entry
from quotadeck.domain.deeds import command_notice
from quotadeck.domain.money import usd_exact
from quotadeck.domain.report import Alarm, Passage, Report
from quotadeck.domain.snapshot import Event
from quotadeck.domain.state import Held, StateKind, Urgency
from quotadeck.domain.subject import Subject
from quotadeck.domain.typed import duration_words
from quotadeck.words import say, text
from quotadeck.words.commands import refusal
from quotadeck.words.spent import spent
from quotadeck.words.states import words_of
from quotadeck.words.times import local, zone_name

CSV_HEADS: Final = (
    *("row", "at", "until", "subject", "actor", "what", "detail"),
    *("asked", "refused", "failed", "spent_usd", "of_unknown_price"),
)
"""Instants are RFC 3339 in the zone asked for. ``row`` is alarm, command, effect, event, note,
project, model or down."""
EFFECT: Final = "effect"
NOTE: Final = "note"
_COMMANDS: Final = ("command.", "override.")
"""Events of what stands in the command log, too."""


@dataclass(frozen=True, slots=True)
class _Line:
    """Something that happened. ``kind`` is its row's in the CSV."""

    at_us: int
    kind: str
    mark: str
    subject: str
    actor: str
    what: str
    detail: str = ""
    until_us: int | None = None


def markdown(report: Report, zone: tzinfo | None = None) -> str:
    """The draft of a post-mortem; ``zone`` None is the machine's."""
    return _Markdown(report, zone).told()


def csv(report: Report, zone: tzinfo | None = None) -> str:
    """One table of all, the columns as `CSV_HEADS` names them."""

    def instant(at_us: int | None) -> str:
        return "" if at_us is None else local(at_us, zone).isoformat()

    rows: list[tuple[str, ...]] = [
        (
            *(line.kind, instant(line.at_us), instant(line.until_us), line.subject, line.actor),
            *(line.what, line.detail, "", "", "", "", ""),
        )
        for line in _lines(report, instant)
        if line.kind != "end"
    ]
    span = (instant(report.sums_since_us), instant(report.sums_until_us))
    for kind, passages in (("project", report.projects), ("model", report.models)):
        rows += [
            (
                *(kind, *span, f"{kind}:{one.name}", "", "", _causes(one)),
                *(str(one.asked), str(one.refused), str(one.failed), usd_exact(one.cost_nano)),
                str(one.unpriced),
            )
            for one in passages
        ]
    return csv_text(CSV_HEADS, rows)


class _Markdown:
    def __init__(self, report: Report, zone: tzinfo | None) -> None:
        self._report = report
        self._zone = zone
        self._days = len({local(us, zone).date() for us in (report.since_us, report.until_us - 1)})
        self._lines = sorted(_lines(report, self._instant), key=lambda line: line.at_us)

    def told(self) -> str:
        parts = [
            f"# {markdown_cell(self._title())}",
            "\n".join(map(markdown_cell, self._heading())),
            *self._section("summary", "\n".join(f"- {line}" for line in self._summary())),
            *self._section("timeline", self._timeline()),
            *self._section("alarms", self._alarms()),
            *self._section("commands", self._commands()),
            *self._section("incidents", self._events(_is_incident)),
            *self._section("notes", self._events(lambda kind: kind == NOTE)),
            *self._section("projects", self._passages(self._report.projects)),
            *self._section("models", self._passages(self._report.models)),
        ]
        return "\n\n".join(parts) + "\n"

    def _section(self, name: str, body: str) -> tuple[str, str]:
        return f"## {text(f'report.{name}')}", body or text("report.nothing")

    def _title(self) -> str:
        it = self._report
        kind = "report.title" if it.name else "report.title.unnamed"
        since, until = (self._instant(us, day=True) for us in (it.since_us, it.until_us))
        return text(kind, name=it.name, since_us=since, until_us=until)

    def _heading(self) -> Iterable[str]:
        it = self._report
        made = self._instant(it.made_us, day=True)
        yield text("report.made", zone=zone_name(it.made_us, self._zone), made_us=made)
        if (it.sums_since_us, it.sums_until_us) != (it.since_us, it.until_us):
            since, until = map(self._instant, (it.sums_since_us, it.sums_until_us))
            yield text("report.sums", since_us=since, until_us=until)

    def _summary(self) -> Iterable[str]:
        it = self._report
        told = [
            text(
                "report.asked",
                asked=it.asked,
                refused=it.refused,
                refused_share=share(it.refused, it.asked),
                failed=it.failed,
                failed_share=share(it.failed, it.asked - it.refused),
                cost_nano=it.cost_nano,
            )
        ]
        if it.unpriced:
            told.append(text("report.unpriced", count=it.unpriced))
        if it.alarms:
            subjects = tuple(dict.fromkeys(alarm.subject.name for alarm in it.alarms))
            lasting = sum(alarm.ended_us is None for alarm in it.alarms) or None
            told.append(
                text("report.alarm_count", count=len(it.alarms), subjects=subjects, lasting=lasting)
            )
        else:
            told.append(text("report.no_alarms"))
        names = dict.fromkeys(entry.actor for entry in _applied(it))
        count = len(_applied(it))
        told.append(
            text("report.command_count", count=count, names=tuple(names))
            if count
            else text("report.no_commands")
        )
        for down in it.down:
            since, until = map(self._instant, (down.since_us, down.until_us))
            lasted_ms = (down.until_us - down.since_us) // 1_000
            told.append(text("report.down", since_us=since, until_us=until, lasted_ms=lasted_ms))
        if it.left_out:
            told.append(text("report.left_out", count=it.left_out))
        return map(markdown_cell, told)

    def _timeline(self) -> str:
        rows = [
            (self._instant(line.at_us), line.mark, line.subject, line.what) for line in self._lines
        ]
        return self._table(("at", "", "subject", "what"), rows)

    def _alarms(self) -> str:
        rows = [
            (
                self._instant(one.began_us),
                text("report.lasts") if one.ended_us is None else self._instant(one.ended_us),
                duration_words(((one.ended_us or self._report.made_us) - one.began_us) // 1_000),
                one.subject.name,
                ": ".join(filter(None, alarm_words(one))),
            )
            for one in self._report.alarms
        ]
        return self._table(("began", "ended", "lasted", "subject", "what"), rows)

    def _commands(self) -> str:
        effects = _effects(self._report.events)
        rows = [
            (
                self._instant(row.entry.at_us),
                row.entry.actor,
                _command_words(row.entry, self._instant),
                "; ".join(effects.get(row.entry.id, ())),
            )
            for row in self._report.commands
            if row.entry.action != Action.END
        ]
        return self._table(("at", "who", "what", "effect"), rows)

    def _events(self, wanted: Callable[[str], bool]) -> str:
        rows = [
            (self._instant(event.at_us), say(event.told, self._instant))
            for event in self._report.events
            if wanted(event.told.kind)
        ]
        return self._table(("at", "what"), rows)

    def _passages(self, passages: Sequence[Passage]) -> str:
        rows = [
            (
                one.name,
                f"{one.asked:,}",
                f"{one.refused:,} ({share(one.refused, one.asked)})",
                f"{one.failed:,} ({share(one.failed, one.asked - one.refused)})",
                spent(one.cost_nano, one.unpriced),
                _causes(one),
            )
            for one in passages
        ]
        heads = ("name", "asked", "refused", "failed", "spent", "causes")
        return self._table(heads, rows, right=" >>>>")

    def _table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], right: str = "") -> str:
        if not rows:
            return ""
        named = [text(f"report.head.{head}") if head else " " for head in heads]
        return markdown_table(named, [list(map(markdown_cell, row)) for row in rows], right)

    def _instant(self, at_us: int, *, day: bool = False) -> str:
        """To the second; with the day where the span has several."""
        then = local(at_us, self._zone)
        in_span = self._report.since_us <= at_us <= self._report.until_us
        named = day or self._days > 1 or not in_span
        return f"{then:%Y-%m-%d %H:%M:%S}" if named else f"{then:%H:%M:%S}"


def _lines(report: Report, instant: Callable[[int], str]) -> list[_Line]:
    """All that happened; the ends of alarms are lines of their own, of kind ``end``."""
    lines = []
    for alarm in report.alarms:
        what, why = alarm_words(alarm)
        name = alarm.subject.name
        began = text("report.began", what=what, why=why)
        lines.append(_Line(alarm.began_us, "alarm", "!", name, "", began, "", alarm.ended_us))
        if alarm.ended_us is not None and alarm.ended_us < report.until_us:
            lasted_ms = (alarm.ended_us - alarm.began_us) // 1_000
            ended = text("report.ended", what=what, lasted_ms=lasted_ms)
            lines.append(_Line(alarm.ended_us, "end", "✓", name, "", ended))
    for row in report.commands:
        entry = row.entry
        told = _command_words(entry, instant)
        mark = "«" if entry.action == Action.END else "»"
        line = (entry.at_us, "command", mark, entry.subject.name, entry.actor, told)
        lines.append(_Line(*line, entry.reason, entry.until_us))
    for event in report.events:
        kind = event.told.kind
        if kind.startswith(_COMMANDS):
            continue
        row_kind = kind if kind in (EFFECT, NOTE) else "event"
        mark = {NOTE: "⚑", EFFECT: " "}.get(kind, "!")
        name, told = Subject.parse(event.subject).name, say(event.told, instant)
        lines.append(_Line(event.at_us, row_kind, mark, name, "", told))
    for down in report.down:
        facts = {"since_us": instant(down.since_us), "until_us": instant(down.until_us)}
        lasted_ms = (down.until_us - down.since_us) // 1_000
        told = text("report.down", lasted_ms=lasted_ms, **facts)
        lines.append(_Line(down.since_us, "down", "!", "", "", told, "", down.until_us))
    return lines


def alarm_words(alarm: Alarm) -> tuple[str, str]:
    """``storm ×9``, and why."""
    try:
        kind = StateKind(alarm.kind)
    except ValueError:
        return alarm.kind, alarm.cause
    held = Held(kind, Urgency.TROUBLE, alarm.cause, alarm.who, alarm.count, alarm.asked)
    words = words_of(held, 0, alarm.began_us)
    return words.word, words.why


def _command_words(entry: Entry, instant: Callable[[int], str]) -> str:
    if entry.refused is not None:
        return text("report.refused", why=refusal(entry.refused, instant))
    if entry.action == Action.END:
        return text("reason.end", of=entry.of)
    return say(command_notice(entry), instant)


def _applied(report: Report) -> list[Entry]:
    return [
        row.entry for row in report.commands if row.entry.applied and row.entry.action != Action.END
    ]


def _effects(events: Iterable[Event]) -> dict[str, list[str]]:
    """What was measured of each command, by its id."""
    found: dict[str, list[str]] = {}
    for event in events:
        if event.told.kind == EFFECT:
            found.setdefault(str(event.told.facts.get("command", "")), []).append(say(event.told))
    return found


def _is_incident(kind: str) -> bool:
    return kind not in (EFFECT, NOTE) and not kind.startswith(_COMMANDS)


def _causes(passage: Passage) -> str:
    told = [
        text("report.cause" if cause else "report.cause.others", cause=cause, count=count)
        for cause, count in passage.causes.items()
    ]
    return ", ".join(told)

"""The fields of a dialog as values: an action of the table gives the next form. No widgets."""

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from quotadeck.tui.keys.act import Act
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.editor import BLANK, Editor
from quotadeck.tui.kit.fit import cell_len, fit
from quotadeck.tui.kit.spans import Span


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text."""

    id: str
    label: str
    line: Editor = BLANK
    hint: str = ""
    width: int = 14

    place: ClassVar[Place] = "text"

    @property
    def value(self) -> str:
        return self.line.text.strip()

    def do(self, verb: str) -> "Text":
        return replace(self, line=self.line.do(verb))

    def spans(self, *, focused: bool) -> list[Span]:
        """``[20____]`` with the cursor's cell reversed, scrolled so that the cursor is seen."""
        if not focused:
            return [Span("[", "dim"), Span(_filled(self.line.text, self.width)), Span("]", "dim")]
        before, under, after = self.line.window(self.width)
        if self.line.fresh:
            room = self.width - cell_len(before)
            marked = [Span(before, "chosen"), Span("_" * room, "strong")]
        else:
            room = self.width - cell_len(before) - cell_len(under)
            marked = [
                Span(before, "strong"),
                Span(under, "chosen"),
                Span(_filled(after, room), "strong"),
            ]
        return [Span("[", "key"), *marked, Span("]", "key")]


def _filled(text: str, width: int) -> str:
    return fit(text, width) if text else "_" * width


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few; the arrows go round."""

    id: str
    label: str
    options: tuple[tuple[str, str], ...]
    """Value and what is shown for it."""
    index: int = 0

    place: ClassVar[Place] = "choice"

    @property
    def value(self) -> str:
        return self.options[self.index][0]

    def do(self, verb: str) -> "Choice":
        step = -1 if verb == "previous" else 1
        return replace(self, index=(self.index + step) % len(self.options))

    def spans(self, *, focused: bool) -> list[Span]:
        """``‹ rpm ›  tpm`` for few short options, else the chosen one alone."""
        width = sum(cell_len(label) + 3 for _, label in self.options)
        chosen = "chosen" if focused else "strong"
        if width > _CHOICE_WIDTH:
            place = f" {self.index + 1}/{len(self.options)}"
            text = fit(self.options[self.index][1], min(44, cell_len(self.options[self.index][1])))
            return [Span("‹ ", "dim"), Span(text, chosen), Span(" ›", "dim"), Span(place, "dim")]
        spans: list[Span] = []
        for index, (_, label) in enumerate(self.options):
            mine = index == self.index
            spans += [
                Span("‹" if mine else " ", "key"),
                Span(label, chosen if mine else "dim"),
                Span("›" if mine else " ", "key"),
                Span(" "),
            ]
        return spans


_CHOICE_WIDTH: Final = 50


@dataclass(frozen=True, slots=True)
class Tick:
    """Yes or no."""

    id: str
    label: str
    on: bool = False
    hint: str = ""

    place: ClassVar[Place] = "choice"

    @property
    def value(self) -> str:
        return "yes" if self.on else ""

    def do(self, _verb: str) -> "Tick":
        return replace(self, on=not self.on)

    def spans(self, *, focused: bool) -> list[Span]:
        mark = "x" if self.on else " "
        role = "chosen" if focused else "strong"
        return [Span("[", "key" if focused else "dim"), Span(mark, role), Span("]", "dim")]


FormField = Text | Choice | Tick


@dataclass(frozen=True, slots=True)
class Form:
    """Fields in order, and the one that has the keys."""

    fields: tuple[FormField, ...]
    focus: int = 0

    @property
    def place(self) -> Place:
        """Which of the table's places the keys are in."""
        return self.fields[self.focus].place

    def do(self, act: Act) -> "Form":
        """The form after an action: between the fields, or in the one that has the keys."""
        if act.scope == "dialog":
            step = -1 if act.verb == "previous_field" else 1
            return replace(self, focus=(self.focus + step) % len(self.fields))
        return self.with_field(self.fields[self.focus].do(act.verb))

    def insert(self, typed: str) -> "Form":
        """The form after typing or pasting; where nothing is typed it is nothing."""
        field = self.fields[self.focus]
        if not isinstance(field, Text):
            return self
        return self.with_field(replace(field, line=field.line.insert(typed)))

    def with_field(self, field: FormField) -> "Form":
        """The form with the field of the same id replaced."""
        fields = tuple(field if old.id == field.id else old for old in self.fields)
        return replace(self, fields=fields)

    def has(self, id: str) -> bool:  # noqa: A002 the field's own word
        """Whether there is such a field."""
        return any(field.id == id for field in self.fields)

    def text(self, id: str) -> str:  # noqa: A002 the field's own word
        """What a field says: a text, trimmed, or a choice's value; empty where there is none."""
        return next((field.value for field in self.fields if field.id == id), "")

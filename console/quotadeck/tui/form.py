"""The fields of a dialog as values: a key gives the next field. No widgets, no markup."""

from dataclasses import dataclass, replace
from typing import Final

from quotadeck.domain.text import clean
from quotadeck.tui.kit.fit import cell_len, fit
from quotadeck.tui.kit.spans import Span


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text with a cursor."""

    id: str
    label: str
    text: str = ""
    hint: str = ""
    at: int = -1
    """The cursor; -1 stands for the end."""
    width: int = 14
    limit: int = 60
    fresh: bool = False
    """A proposal that nobody touched yet: what is typed replaces it."""

    @property
    def cursor(self) -> int:
        return len(self.text) if self.at < 0 else min(self.at, len(self.text))

    def press(self, key: str, character: str | None) -> "Text | None":
        """The field after a key; None if the key is not for it."""
        if self.fresh and key in ("backspace", "ctrl+h", "delete"):
            return replace(self, text="", at=0, fresh=False)
        edited = self._edited(key)
        if edited is not None:
            return replace(edited, fresh=False)
        return self.insert(character) if character and character.isprintable() else None

    def _edited(self, key: str) -> "Text | None":
        at, text = self.cursor, self.text
        match key:
            case "left":
                return replace(self, at=max(0, at - 1))
            case "right":
                return replace(self, at=min(len(text), at + 1))
            case "home" | "ctrl+a":
                return replace(self, at=0)
            case "end" | "ctrl+e":
                return replace(self, at=-1)
            case "backspace" | "ctrl+h":
                return replace(self, text=text[: max(0, at - 1)] + text[at:], at=max(0, at - 1))
            case "delete":
                return replace(self, text=text[:at] + text[at + 1 :], at=at)
            case "ctrl+u":
                return replace(self, text=text[at:], at=0)
            case "ctrl+k":
                return replace(self, text=text[:at], at=at)
        return None

    def insert(self, typed: str) -> "Text":
        """The field after typing or pasting; what does not fit is left out."""
        before, at = ("", 0) if self.fresh else (self.text, self.cursor)
        text = (before[:at] + clean(typed, self.limit) + before[at:])[: self.limit]
        return replace(self, text=text, at=min(len(text), at + len(typed)), fresh=False)

    def spans(self, *, focused: bool) -> list[Span]:
        """``[20____]`` with the cursor's cell reversed, scrolled so that the cursor is seen."""
        start = 0
        while cell_len(self.text[start : self.cursor]) >= self.width:
            start += 1
        shown = self.text[start:]
        if not focused:
            return [Span("[", "dim"), Span(_line(shown, self.width)), Span("]", "dim")]
        if self.fresh:
            room = max(0, self.width - cell_len(shown))
            return [Span("[", "key"), Span(shown, "chosen"), Span("_" * room, "strong"),
                    Span("]", "key")]  # fmt: skip
        at = self.cursor - start
        left, under, right = shown[:at], shown[at : at + 1] or " ", shown[at + 1 :]
        room = max(0, self.width - cell_len(left) - cell_len(under))
        return [
            Span("[", "key"), Span(left, "strong"), Span(under, "chosen"),
            Span(_line(right, room), "strong"), Span("]", "key"),
        ]  # fmt: skip


def _line(text: str, width: int) -> str:
    return fit(text, width).replace(" ", "_") if not text else fit(text, width)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few; the arrows go round."""

    id: str
    label: str
    options: tuple[tuple[str, str], ...]
    """Value and what is shown for it."""
    index: int = 0
    hint: str = "← → to choose"

    @property
    def value(self) -> str:
        return self.options[self.index][0]

    def press(self, key: str, character: str | None) -> "Choice | None":  # noqa: ARG002 as Text's
        if key in ("left", "right", "space"):
            step = -1 if key == "left" else 1
            return replace(self, index=(self.index + step) % len(self.options))
        return None

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
                Span("‹" if mine else " ", "key"), Span(label, chosen if mine else "dim"),
                Span("›" if mine else " ", "key"), Span(" "),
            ]  # fmt: skip
        return spans


_CHOICE_WIDTH: Final = 50


@dataclass(frozen=True, slots=True)
class Tick:
    """Yes or no; space turns it."""

    id: str
    label: str
    on: bool = False
    hint: str = ""

    def press(self, key: str, character: str | None) -> "Tick | None":  # noqa: ARG002 as Text's
        return replace(self, on=not self.on) if key in ("space", "left", "right") else None

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

    def press(self, key: str, character: str | None) -> "Form | None":
        """The form after a key; None if no field takes it."""
        if not self.fields:
            return None
        if key in ("tab", "down"):
            return replace(self, focus=(self.focus + 1) % len(self.fields))
        if key in ("shift+tab", "up"):
            return replace(self, focus=(self.focus - 1) % len(self.fields))
        changed = self.fields[self.focus].press(key, character)
        return None if changed is None else self.with_field(changed)

    def paste(self, text: str) -> "Form":
        field = self.fields[self.focus]
        return self.with_field(field.insert(text)) if isinstance(field, Text) else self

    def with_field(self, field: FormField) -> "Form":
        """The form with the field of the same id replaced."""
        fields = tuple(field if old.id == field.id else old for old in self.fields)
        return replace(self, fields=fields)

    def text(self, id: str) -> str:  # noqa: A002 the field's own word
        """What a field says, trimmed: a text, a choice's value; empty where there is none."""
        for field in self.fields:
            if field.id == id:
                if isinstance(field, Text):
                    return field.text.strip()
                return field.value if isinstance(field, Choice) else "yes" if field.on else ""
        return ""

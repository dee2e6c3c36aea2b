"""What is typed into a dialog, from the command's row: the fields, and how they are read. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from quotadeck.domain.commands import MAX_REASON, Field, Value
from quotadeck.domain.rules import rules_of
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.typed import TypedWrong, limit_value
from quotadeck.domain.verbs import End, Takes, Verb
from quotadeck.domain.verbs.priority import CLASSES
from quotadeck.tui.change.form import Choice, Form, FormField, Text, Tick
from quotadeck.tui.change.offers import Offer
from quotadeck.tui.change.values import STANDING
from quotadeck.tui.kit.editor import Editor
from quotadeck.words import text
from quotadeck.words.commands import field_word


class Set(NamedTuple):
    """What is typed beside the subject: a limit's name, a value or a scale in percent."""

    field: str | None = None
    value: Value | None = None
    scale_percent: int | None = None


@dataclass(frozen=True, slots=True)
class TypedForm:
    """The fields of what a command takes, for a subject and the limit that is likeliest meant."""

    fields: Callable[[Offer, str], tuple[FormField, ...]]
    read: Callable[[Form, Offer], Set]
    """Raises TypedWrong or MoneyError."""


def _limit_fields(offer: Offer, likely: str) -> tuple[FormField, ...]:
    fields = [rule.field for rule in rules_of(offer.subject.kind)]
    which = Choice(
        "limit",
        text("dialog.limit"),
        tuple((one.value, field_word(one)) for one in fields),
        index=next((place for place, one in enumerate(fields) if one == likely), 0),
    )
    hint = text("dialog.value.hint")
    return which, Text("value", text("dialog.value"), Editor(limit=20), hint, width=10)


def _limit(form: Form, _: Offer) -> Set:
    field, typed = Field(form.text("limit")), form.text("value")
    if not typed:
        raise TypedWrong("dialog.value.missing")
    return Set(field, *limit_value(field, typed))


def _text_fields(*_: object) -> tuple[FormField, ...]:
    return (Text("value", text("dialog.value"), Editor(limit=MAX_REASON), width=46),)


def _class_fields(*_: object) -> tuple[FormField, ...]:
    classes = tuple((word, text(f"name.{word}")) for word in CLASSES)
    return (Choice("value", text("dialog.value"), classes),)


def _override_fields(offer: Offer, _: str) -> tuple[FormField, ...]:
    """Which override, where there are several; all of them unless one is chosen."""
    if len(offer.fields) < 2:
        return ()
    each = ((one, field_word(one)) for one in offer.fields)
    return (Choice("which", text("dialog.override"), (("", text("dialog.override.all")), *each)),)


def _override(form: Form, _: Offer) -> Set:
    return Set(form.text("which") or None)


def _text(form: Form, _: Offer) -> Set:
    if not form.text("value"):
        raise TypedWrong("dialog.value.missing")
    return Set(value=form.text("value"))


TYPED: Final[Mapping[Takes, TypedForm]] = {
    Takes.NOTHING: TypedForm(lambda *_: (), lambda *_: Set()),
    Takes.LIMIT: TypedForm(_limit_fields, _limit),
    Takes.TARGET: TypedForm(lambda *_: (), lambda _, offer: Set(value=offer.value)),
    Takes.TEXT: TypedForm(_text_fields, _text),
    Takes.PRIORITY: TypedForm(_class_fields, _text),
    Takes.OVERRIDE: TypedForm(_override_fields, _override),
}


def form_for(verb: Verb, offers: Sequence[Offer], own: Subject, likely: str = "") -> Form:
    """The form of a command on a row about ``own``; the cursor is where something must be typed.

    ``likely`` is the limit that is likeliest meant.
    """
    fields: list[FormField] = []
    if len(offers) > 1 or offers[0].subject != own:
        of_lease = offers[0].subject.kind is SubjectKind.LEASE
        kind = "dialog.route" if verb.takes is Takes.TARGET else "dialog.model"
        label = text("dialog.lease" if of_lease else kind)
        options = tuple((str(place), offer.label) for place, offer in enumerate(offers))
        fields.append(Choice("offer", label, options))
    fields += TYPED[verb.takes].fields(offers[0], likely)
    if verb.end is not End.NEVER:
        usual = STANDING if verb.end is End.MAY else "1h"
        hint = text("dialog.for.hint", standing=STANDING)
        line = Editor.holding(usual, limit=30, fresh=True)
        fields.append(Text("for", text("dialog.for"), line, hint, width=12))
    if verb.takes is not Takes.TEXT or verb.explained:
        fields.append(reason_field())
    if verb.public:
        fields.append(Tick("public", text("dialog.public"), hint=text("dialog.public.hint")))
    blank = (isinstance(field, Text) and not field.value for field in fields)
    return Form(tuple(fields), next((place for place, is_blank in enumerate(blank) if is_blank), 0))


def reason_field() -> Text:
    """Why it is done."""
    return Text("reason", text("dialog.reason"), Editor(limit=MAX_REASON), width=46)


def name_field(name: str, form: Form) -> Text:
    """Where the name must be typed, with what was typed there before."""
    line = next((f.line for f in form.fields if f.id == "name" and isinstance(f, Text)), None)
    hint = text("dialog.confirm.hint", name=name)
    return Text("name", text("dialog.confirm"), line or Editor(limit=200), hint, width=24)

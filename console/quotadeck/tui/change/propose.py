"""From a key and the chosen row to a form, and from the form to a command. Pure."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from quotadeck.domain.commands import Command, Field, amount, value_facts
from quotadeck.domain.money import MoneyError
from quotadeck.domain.notice import Notice
from quotadeck.domain.rules import RULE_BY_CAUSE
from quotadeck.domain.snapshot import AnyRow, Snapshot
from quotadeck.domain.state import HELD_MONEY, NOT_COVERED
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.typed import TypedWrong
from quotadeck.domain.verbs import Takes, Verb
from quotadeck.domain.verbs.limit import scaled
from quotadeck.tui.change.confirm import name_for
from quotadeck.tui.change.fields import TYPED, form_for
from quotadeck.tui.change.form import Form
from quotadeck.tui.change.offers import Offer, offers, row_of, subject_of, value_now
from quotadeck.tui.change.values import lasting
from quotadeck.words import say, text
from quotadeck.words.times import clock_time


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that is being worded: its command's row, what it can be about, the first form."""

    verb: Verb
    offers: tuple[Offer, ...]
    form: Form
    zone: tzinfo | None

    def offer(self, form: Form) -> Offer:
        """What the form is about."""
        return self.offers[int(form.text("offer") or 0)]

    def title(self, form: Form) -> str:
        subject = self.offer(form).subject
        kind = "dialog.title.model" if subject.kind is SubjectKind.MODEL else "dialog.title"
        return text(kind, action=self.verb.name, name=subject.name)

    def command(self, form: Form, snapshot: Snapshot) -> Command:
        """What the form asks for; its idempotency key is the dialog's to give.

        Raises TypedWrong or MoneyError.
        """
        verb, offer = self.verb, self.offer(form)
        field, value, scale_percent = TYPED[verb.takes].read(form, offer)
        ends = lasting(form.text("for"), snapshot.at_us, self.zone) if form.has("for") else None
        row = row_of(offer.subject, snapshot) if verb.versioned else None
        return Command(
            verb.name,
            offer.subject,
            field or verb.field,
            verb.sets if value is None else value,
            scale_percent,
            form.text("reason"),
            public=bool(form.text("public")),
            for_ms=ends and ends.for_ms,
            until_us=ends and ends.until_us,
            expected_version=row.version if row else None,
        )

    def confirm(self, form: Form, snapshot: Snapshot) -> str:
        """The name that must be typed before it may be applied; empty where none must."""
        subject, verb = self.offer(form).subject, self.verb
        if verb.sets is not None:
            return name_for(subject, verb.field, None, verb.sets, snapshot)
        if verb.takes is not Takes.LIMIT:
            return ""
        with suppress(TypedWrong, MoneyError):
            field, value, percent = TYPED[verb.takes].read(form, self.offer(form))
            was = value_now(subject, field or "", snapshot)
            if percent is None:
                return name_for(subject, field, was, amount(value), snapshot)
            if was is not None:  # else there is nothing to scale: the gateway will say so
                return name_for(subject, field, was, scaled(amount(was), percent), snapshot)
        return ""

    def now(self, form: Form, snapshot: Snapshot) -> str:
        """The limit in force that a typed one would replace, and who set it; empty for others."""
        subject, field = self.offer(form).subject, form.text("limit")
        row = row_of(subject, snapshot)
        if not field or row is None:
            return ""
        facts = value_facts(field, now=value_now(subject, field, snapshot))
        made = next((change for change in row.changes if change.field == field), None)
        if made is None:
            return text("dialog.now", **facts)
        facts |= {"actor": made.actor, "until_us": made.until_us}
        kind = "dialog.now.override" if made.until_us else "dialog.now.standing"
        return say(Notice(kind, facts), lambda at_us: clock_time(at_us, self.zone))

    def about(self, form: Form, now_us: int) -> tuple[tuple[str, str], ...]:  # noqa: ARG002
        """Labelled lines to be read before it is decided."""
        return ()


_CAUSES: Final[Mapping[str, Field]] = {
    **{cause: rule.field for cause, rule in RULE_BY_CAUSE.items()},
    HELD_MONEY: Field.BUDGET,
    NOT_COVERED: Field.BUDGET,
}
"""Which limit a row's trouble comes from: the one that is likeliest to be changed."""


def propose(
    verb: Verb, row: AnyRow, snapshot: Snapshot, zone: tzinfo | None, under: str = ""
) -> Proposal:
    """The proposal of a command on a row, ``under`` that model's. Raises NothingToDo."""
    found, likely = offers(verb, row, snapshot, under), _CAUSES.get(row.state.cause, "")
    return Proposal(verb, found, form_for(verb, found, subject_of(row), likely), zone)

"""From what a line asks for to the dialog that previews it: its form is filled in. Pure."""

from dataclasses import replace
from datetime import tzinfo

from quotadeck.domain.subject import Subject
from quotadeck.domain.verbs import Takes
from quotadeck.tui.change.fields import form_for
from quotadeck.tui.change.form import Choice, Form, Text
from quotadeck.tui.change.offers import Offer
from quotadeck.tui.change.propose import Proposal
from quotadeck.tui.command.grammar import Wanted
from quotadeck.tui.kit.editor import Editor


def proposal_of(wanted: Wanted, zone: tzinfo | None) -> Proposal:
    """The proposal with what was typed in its fields; the cursor where something is missing."""
    offers = (Offer(wanted.subject, wanted.subject.name),)
    if wanted.verb.takes is Takes.TARGET:
        target = wanted.typed["target"]
        offers = (Offer(wanted.subject, f"{wanted.subject.name} → {target}", target),)
    form = form_for(wanted.verb, offers, _own(wanted), wanted.typed.get("limit", ""))
    for field in form.fields:
        typed = wanted.typed.get(field.id)
        if typed is None:
            continue
        if isinstance(field, Text):
            line = Editor.holding(typed, limit=field.line.limit)
            form = form.with_field(replace(field, line=line))
        elif isinstance(field, Choice):
            options = [value for value, _ in field.options]
            form = form.with_field(replace(field, index=options.index(typed)))
    return Proposal(wanted.verb, offers, _at_what_is_missing(form), zone)


def _own(wanted: Wanted) -> Subject:
    """Where the subject is the row's own there is nothing to choose."""
    return wanted.subject


def _at_what_is_missing(form: Form) -> Form:
    """The last field where none is empty: enter is next."""
    empty = [at for at, one in enumerate(form.fields) if isinstance(one, Text) and not one.value]
    return replace(form, focus=empty[0] if empty else len(form.fields) - 1)

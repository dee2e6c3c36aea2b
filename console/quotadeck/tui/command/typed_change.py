"""From what a line asks for to the dialog that previews it: its form is filled in. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import tzinfo

from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.verbs import Takes
from quotadeck.tui.change.fields import form_for
from quotadeck.tui.change.form import Choice, Form, Text
from quotadeck.tui.change.offers import Offer, overridden, row_of
from quotadeck.tui.change.propose import Proposal
from quotadeck.tui.change.several import propose_several, rows_of
from quotadeck.tui.command.grammar import Wanted
from quotadeck.tui.kit.editor import Editor


def proposal_of(wanted: Wanted, snapshot: Snapshot, zone: tzinfo | None) -> Proposal:
    """The proposal with what was typed in its fields; the cursor where something is missing.

    Raises NothingToDo.
    """
    first, *others = wanted.subjects
    if others:
        rows = rows_of(wanted.subjects, snapshot)
        several = propose_several(wanted.verb, rows, snapshot, zone)
        return replace(several, form=_filled(several.form, wanted.typed))
    offers = (Offer(first, first.name),)
    if wanted.verb.takes is Takes.TARGET:
        target = wanted.typed["target"]
        offers = (Offer(first, f"{first.name} → {target}", target),)
    elif wanted.verb.takes is Takes.OVERRIDE:
        row = row_of(first, snapshot)
        offers = (Offer(first, first.name, fields=overridden(row) if row else ()),)
    form = form_for(wanted.verb, offers, first, wanted.typed.get("limit", ""))
    return Proposal(wanted.verb, offers, _filled(form, wanted.typed), zone)


def _filled(form: Form, all_typed: Mapping[str, str]) -> Form:
    for field in form.fields:
        typed = all_typed.get(field.id)
        if typed is None:
            continue
        if isinstance(field, Text):
            line = Editor.holding(typed, limit=field.line.limit)
            form = form.with_field(replace(field, line=line))
        elif isinstance(field, Choice):
            options = [value for value, _ in field.options]
            form = form.with_field(replace(field, index=options.index(typed)))
    return _at_what_is_missing(form)


def _at_what_is_missing(form: Form) -> Form:
    """The last field where none is empty: enter is next."""
    empty = [at for at, one in enumerate(form.fields) if isinstance(one, Text) and not one.value]
    return replace(form, focus=empty[0] if empty else len(form.fields) - 1)

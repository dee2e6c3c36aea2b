"""A page from which something can be changed: from a key to the dialog, and to its answer."""

from typing import TYPE_CHECKING

from quotadeck.domain.commands import Action
from quotadeck.domain.snapshot import AnyRow, Snapshot
from quotadeck.domain.verbs import VERBS
from quotadeck.tui.keys.act import Act, NothingToDo, allowed
from quotadeck.tui.kit.page import Page
from quotadeck.tui.link import Picture
from quotadeck.words import text

if TYPE_CHECKING:
    from quotadeck.domain.answers import CommandAnswer
    from quotadeck.tui.change.propose import Proposal
    from quotadeck.tui.command.grammar import Wanted


class Changing(Page):
    """A page whose changing actions open the change dialog over it, on what is chosen there."""

    def chosen_row(self, snapshot: Snapshot) -> "AnyRow":
        """The row to be changed, as it is in the newest snapshot. Raises NothingToDo."""
        raise NotImplementedError

    def under(self) -> str:
        """The model under which the chosen row stands; empty where rows stand by themselves."""
        return ""

    def changed(self) -> None:
        """A change was made; what it did is to be seen."""

    def typed_change(self, wanted: "Wanted") -> None:
        from quotadeck.tui.change.dialog import Dialog
        from quotadeck.tui.command.typed_change import proposal_of

        name, source = wanted.verb.name, self.context.source
        if self.context.read_only:
            raise NothingToDo("line.read_only", action=name)
        if not source.capabilities.can(name):
            raise NothingToDo("keys.incapable", source=source.label, action=name)
        self._changeable(Act(f"line.{name}", (), changing=True, role=wanted.verb.role))
        proposal = proposal_of(wanted, self.context.link.newest(), self.context.zone)
        self.open(Dialog(proposal, self.context, self._over))

    def do(self, act: Act) -> None:
        if act.changing:
            self._change(act)
        else:
            super().do(act)

    def proposal(self, act: Act, picture: Picture, /) -> "Proposal":
        """What the action would change. Raises NothingToDo."""
        from quotadeck.tui.change.propose import propose
        from quotadeck.tui.change.several import all_but_high, propose_several, rows_of_set
        from quotadeck.tui.change.undo import undo_on_row

        snapshot, zone = picture.snapshot, self.context.zone
        if act.verb == "pause_rest":
            rest = all_but_high(snapshot)
            return propose_several(VERBS[act.command], rest, snapshot, zone, grave=True)
        marked = rows_of_set("marked", snapshot, self.marked_subjects())
        if marked[1:] and act.verb != Action.UNDO:
            return propose_several(VERBS[act.verb], marked, snapshot, zone)
        to_change = marked and act.verb != Action.UNDO
        row = marked[0] if to_change else self.chosen_row(snapshot)
        if act.verb == Action.UNDO:
            audit = self.keys.shown("overview.audit")
            return undo_on_row(row, snapshot, zone, audit, self.context.made.changes)
        return propose(VERBS[act.verb], row, snapshot, zone, self.under())

    def _change(self, act: Act) -> None:
        from quotadeck.tui.change.dialog import Dialog

        proposal = self.proposal(act, self._changeable(act))
        self.open(Dialog(proposal, self.context, self._over))

    def _changeable(self, act: Act) -> Picture:
        """The newest picture, where this operator may do that. Raises NothingToDo."""
        picture = self.context.link.picture()
        if picture is None:
            raise NothingToDo("nothing.no_reading")
        who = picture.whoami
        if not allowed(act, who.role):
            raise NothingToDo(
                "nothing.role", actor=who.actor, role=who.role, action=act.verb, needed=act.role
            )
        return picture

    def _over(self, answer: "CommandAnswer | None", *, unanswered: bool) -> None:
        from quotadeck.tui.change.consequence import instants, outcome
        from quotadeck.tui.change.dialog import Dialog

        command = self.modal.view.command if isinstance(self.modal, Dialog) else None
        picture = self.context.link.picture()
        self.close()
        if answer is not None:
            if command is not None and picture is not None:
                self.context.made.took(answer, command, picture.whoami.actor)
            self.changed()
            self.say(
                *outcome(answer, instants(self.context.zone, self.context.link.newest().at_us))
            )
        elif unanswered:
            self.say(text("left.unanswered"), "attention")
        else:
            self.say(text("left"))

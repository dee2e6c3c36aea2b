"""A page on whose rows something can be changed: from a key to the dialog, and to its answer."""

from typing import TYPE_CHECKING

from quotadeck.domain.snapshot import Snapshot
from quotadeck.tui.actions import NothingToDo, allowed
from quotadeck.tui.kit.page import Page
from quotadeck.tui.link import Picture

if TYPE_CHECKING:
    from quotadeck.sources import AuditRow, CommandAnswer
    from quotadeck.tui.confirm import AnyRow
    from quotadeck.tui.dialog import Dialog
    from quotadeck.tui.propose import Proposal


class ChangesRows(Page):
    """A page that opens the change dialog on the row that its cursor is on."""

    dialog: "Dialog | None" = None

    def row_to_change(self, snapshot: Snapshot) -> "AnyRow":
        """The chosen row as it is in the newest snapshot. Raises NothingToDo."""
        raise NotImplementedError

    def changed(self) -> None:
        """A change was made; what it did is to be seen."""

    def do_pause(self) -> None:
        self._propose("pause")

    def do_resume(self) -> None:
        self._propose("resume")

    def do_limit(self) -> None:
        self._propose("limit")

    def do_fallback(self) -> None:
        self._propose("fallback")

    def do_undo(self) -> None:
        self._propose("undo")

    def undo_entry(self, entry: "AuditRow") -> None:
        """Open the dialog for an undo that was asked for in the audit. Raises NothingToDo."""
        from quotadeck.tui.undo import undo_of_entry

        picture = self._changeable("undo")
        proposal = undo_of_entry(entry, self.context.zone, picture.present.now_us)
        self.app.pop_screen()
        self._open(proposal)

    def _propose(self, act_id: str) -> None:
        from quotadeck.tui.propose import propose
        from quotadeck.tui.undo import undo_on_row

        zone = self.context.zone
        try:
            picture = self._changeable(act_id)
            row, snapshot = self.row_to_change(picture.snapshot), picture.snapshot
            if act_id == "undo":
                proposal = undo_on_row(row, snapshot, zone, picture.present.now_us)
            else:
                proposal = propose(act_id, row, snapshot, zone)
        except NothingToDo as why:
            self.say(str(why), "attention")
            return
        self._open(proposal)

    def _changeable(self, act_id: str) -> Picture:
        """The newest picture, where this operator may do that. Raises NothingToDo."""
        picture = self.context.link.picture()
        if picture is None:
            raise NothingToDo("nothing can be changed before the first reading")
        act = next(act for act in self.keys.values() if act.id == act_id)
        if not allowed(act, picture.whoami.role):
            who = picture.whoami
            raise NothingToDo(
                f"{who.actor} is a {who.role.value} here: to {act_id} takes an {act.role.value}"
            )
        return picture

    def _open(self, proposal: "Proposal") -> None:
        from quotadeck.tui.dialog import Dialog

        context = self.context
        self.dialog = Dialog(
            proposal, context.source, self._newest, context.theme, zone=context.zone,
            done=self._close,
        )  # fmt: skip
        self.mount(self.dialog)
        self.dialog.begin()
        self.draw()

    def _newest(self) -> Snapshot:
        snapshot = self.context.link.snapshot
        assert snapshot is not None, "a dialog opens only after a reading"
        return snapshot

    def _close(self, answer: "CommandAnswer | None") -> None:
        from quotadeck.tui.consequence import outcome

        if self.dialog is None:
            return
        unanswered = self.dialog.unanswered
        self.dialog.remove()
        self.dialog = None
        if answer is not None:
            self.changed()
            self.say(*outcome(answer, self.context.zone, self._newest().at_us))
        elif unanswered:
            self.say("left before the answer came: the audit tells what is in force", "attention")
        else:
            self.say("nothing was changed")

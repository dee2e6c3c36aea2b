"""The change dialog: nothing is applied by the key that opened it, and nothing comes as a surprise.

Every edit asks the gateway for a preview; only the answer to the newest question is shown. Enter
sends the very command that is previewed, under a key that makes a repeated enter harmless.
"""

import asyncio
import secrets
from dataclasses import replace
from typing import Final, Protocol

from quotadeck.domain.answers import CommandAnswer
from quotadeck.domain.commands import Command
from quotadeck.domain.money import MoneyError
from quotadeck.domain.typed import TypedWrong
from quotadeck.sources.base import SourceError
from quotadeck.tui import terminal
from quotadeck.tui.change.consequence import Setting, View, dialog_lines, instants
from quotadeck.tui.change.fields import name_field
from quotadeck.tui.change.form import Form
from quotadeck.tui.change.propose import Proposal
from quotadeck.tui.change.values import as_command_line
from quotadeck.tui.keys.act import Act
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.modal import Modal
from quotadeck.words import say, text
from quotadeck.words.commands import refusal
from quotadeck.words.figures import Instant

WIDTH: Final = 80
DEBOUNCE_S: Final = 0.12
_NO_FIGURES: Final = "warning.no_figures"


def _preview_key() -> str:
    return "preview-" + secrets.token_hex(8)


class Done(Protocol):
    """Who hears that a dialog is over: with the answer, or None where nothing was applied.

    ``unanswered``: a command was sent, and nobody knows what became of it.
    """

    def __call__(self, answer: CommandAnswer | None, *, unanswered: bool) -> None: ...


class Dialog(Modal):
    """A proposal being worded, previewed and applied."""

    def __init__(self, proposal: Proposal, context: Context, done: Done) -> None:
        super().__init__(context.theme)
        self._proposal = proposal
        self.context = context
        self._done = done
        self._over = False
        self._asked = 0
        self._waiting = False
        """For the preview of what the form says now."""
        self._hurried = False
        """Enter came before the preview: it counts when that comes, unless it warns."""
        self._keys: dict[Command, str] = {}
        self._unanswered = False
        self.view = View(proposal.form)

    @property
    def place(self) -> Place:
        return self.view.form.place

    def begin(self) -> None:
        """Ask for the first preview."""
        self._edited(self._proposal.form)

    def do(self, act: Act) -> None:
        """Do an action; while a command is on its way only leaving is possible."""
        if act.id == "dialog.leave":
            self._leave(None)
        elif self.view.applying:
            return
        elif act.id == "dialog.copy":
            self._copy()
        elif act.id == "dialog.apply":
            self._apply()
        else:
            self._edited(self.view.form.do(act))

    def insert(self, typed: str) -> None:
        if not self.view.applying:
            self._edited(self.view.form.insert(typed))

    def _copy(self) -> None:
        """The change as a command for the shell, which the dialog shows."""
        if self.view.command is not None:
            terminal.copy(self.app, as_command_line(self.view.command))
            self.view = replace(self.view, error=text("dialog.copied"))
            self.draw()

    def _leave(self, answer: CommandAnswer | None) -> None:
        if not self._over:  # an answer may come when it was left already
            self._over = True
            self._done(answer, unanswered=self._unanswered)

    def _edited(self, form: Form) -> None:
        before, self._asked = self.view, self._asked + 1
        waited, self._waiting, self._hurried = self._waiting, False, False
        snapshot = self.context.link.newest()
        confirm = self._proposal.confirm(form, snapshot)
        form = _asking_for(confirm, form)
        try:
            command = self._proposal.command(form, snapshot)
        except (TypedWrong, MoneyError) as problem:
            self.view = View(form, missing=say(problem.told), confirm=confirm)
        else:
            if before.command == command and before.answer and not waited:
                self.view = replace(before, form=form, confirm=confirm, error="")
            else:
                # Why somebody does it changes nothing of what it does: that stays to be read.
                known = before.command and replace(
                    before.command, reason=command.reason, public=command.public
                )
                answer = before.answer if known == command else None
                self.view = View(form, command, answer, confirm=confirm)
                self._waiting = True
                preview = self._preview(self._asked, command)
                self.run_worker(preview, group="preview", exclusive=True)
        self.draw()

    async def _preview(self, asked: int, command: Command) -> None:
        await asyncio.sleep(DEBOUNCE_S if asked > 1 else 0)
        keyed = replace(command, idempotency_key=_preview_key())
        missing = ""
        try:
            answer = await self.context.source.command(keyed, dry_run=True)
            if answer.refused and not keyed.reason:  # what it would do is worth seeing before why
                reasoned = replace(keyed, reason="preview", idempotency_key=_preview_key())
                missing = self._why(answer)
                answer = await self.context.source.command(reasoned, dry_run=True)
        except SourceError as problem:
            shown = replace(self.view, error=text("dialog.no_preview", problem=say(problem.told)))
        else:
            refused = self._why(answer)
            shown = replace(self.view, answer=answer, refused=refused, missing=missing)
        if asked == self._asked:
            hurried, self._hurried = self._hurried, False
            self.view, self._waiting = shown, False
            self.draw()
            harmless = shown.answer and not (shown.error or shown.refused or _warns(shown.answer))
            if hurried and harmless:
                self._apply()

    def _apply(self) -> None:
        view = self.view
        if view.refused:
            self.view = View(view.form)
            self._edited(view.form)  # it may be possible by now
            return
        if view.missing:
            self._ask("reason" if view.command else "value", view.missing)
            return
        if view.command is None:
            return
        if view.confirm and view.form.text("name") != view.confirm:
            self._ask("name", text("dialog.confirm.missing", name=view.confirm))
            return
        if self._waiting and view.answer is None:
            self._hurried = True
            self.view = replace(view, error="")
            self.draw()
            return
        self._asked += 1
        self._unanswered = True
        self.view = replace(view, applying=True, error="")
        self.draw()
        self.run_worker(self._send(view.command))

    def _ask(self, id: str, error: str) -> None:  # noqa: A002 the field's own word
        """Enter was pressed too early: say what is missing, and put the cursor there.

        Where the value was typed, and wrong, the cursor is where it was typed; so it is where it is
        the duration that is no command.
        """
        form = self.view.form
        empty = [i for i, field in enumerate(form.fields) if field.id == id and not form.text(id)]
        form = replace(form, focus=empty[0]) if empty else form
        self.view = replace(self.view, form=form, error=error)
        self.draw()

    async def _send(self, command: Command) -> None:
        # A subject that changed meanwhile, by this very command perhaps, makes it no other one.
        asked = replace(command, expected_version=None)
        key = self._keys.setdefault(asked, "console-" + secrets.token_hex(12))
        try:
            answer = await self.context.source.command(
                replace(command, idempotency_key=key), dry_run=False
            )
        except SourceError as problem:
            error = text("dialog.lost", problem=say(problem.told), key=self._enter)
            self.view = replace(self.view, applying=False, error=error)
            self.draw()
            return
        self._unanswered = False
        if answer.applied:
            self._leave(answer)
            return
        # A refusal is final for its key; asking again, with what is known now, needs a new one.
        del self._keys[asked]
        self.view = View(self.view.form)
        self._edited(self.view.form)
        error = self._why(answer)
        if answer.refused is not None and answer.refused.code == "stale":
            error = text("dialog.stale", problem=error, key=self._enter)
        self.view = replace(self.view, error=error)
        self.draw()

    def _why(self, answer: CommandAnswer) -> str:
        """Why it was refused, in words; empty where it was not."""
        return refusal(answer.refused, self._instant) if answer.refused else ""

    @property
    def _instant(self) -> Instant:
        return instants(self.context.zone, self.context.link.newest().at_us)

    @property
    def _enter(self) -> str:
        return self.context.keys.shown("dialog.apply")

    def draw(self) -> None:
        """Draw the view at the widget's width, and take the height that it needs."""
        size, form, proposal = self.app.size, self.view.form, self._proposal
        snapshot = self.context.link.newest()
        width = min(WIDTH, size.width)
        setting = Setting(
            proposal.title(form),
            self.context.keys,
            self._instant,
            proposal.now(form, snapshot),
            proposal.about(form, snapshot.at_us),
        )
        lines = dialog_lines(setting, self.view, width, size.height)
        self.styles.height = len(lines)
        self.styles.width = width
        below = max(0, min(2, size.height - len(lines)))
        self.styles.offset = (max(0, (size.width - width) // 2), below)
        self.show(lines)


def _warns(answer: CommandAnswer) -> bool:
    """Whether there is something to be read first; that figures are missing is none."""
    return any(warning.kind != _NO_FIGURES for warning in answer.warnings)


def _asking_for(name: str, form: Form) -> Form:
    """The form with a last field for the name where one must be typed, without it elsewhere."""
    others = tuple(field for field in form.fields if field.id != "name")
    if not name:
        return replace(form, fields=others, focus=min(form.focus, len(others) - 1))
    return replace(form, fields=(*others, name_field(name, form)))

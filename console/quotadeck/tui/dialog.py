"""The change dialog: nothing is applied by the key that opened it, and nothing comes as a surprise.

Every edit asks the gateway for a preview; only the answer to the newest question is shown. Enter
sends the very command that is previewed, under a key that makes a repeated enter harmless.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import tzinfo
from typing import TYPE_CHECKING, Final

from quotadeck.domain.commands import Command
from quotadeck.domain.money import MoneyError
from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.typed import TypedWrong
from quotadeck.sources.base import Source, SourceError
from quotadeck.tui.consequence import Setting, View, dialog_lines
from quotadeck.tui.form import Form, Text
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.propose import Proposal
from quotadeck.tui.themes import Theme

if TYPE_CHECKING:
    from quotadeck.sources import CommandAnswer

WIDTH: Final = 80
DEBOUNCE_S: Final = 0.12


def _preview_key() -> str:
    return "preview-" + secrets.token_hex(8)


class Dialog(Lines):
    """A proposal being worded, previewed and applied. ``done`` gets the answer, or None."""

    def __init__(
        self,
        proposal: Proposal,
        source: Source,
        snapshot: Callable[[], Snapshot],
        theme: Theme,
        *,
        zone: tzinfo | None,
        done: "Callable[[CommandAnswer | None], None]",
    ) -> None:
        super().__init__(theme, classes="dialog")
        self._proposal = proposal
        self._source = source
        self._snapshot = snapshot
        self._zone = zone
        self._done = done
        self._asked = 0
        self._waiting = False
        """For the preview of what the form says now."""
        self._hurried = False
        """Enter came before the preview: it counts when that comes, unless it warns."""
        self._keys: dict[Command, str] = {}
        self.view = View(proposal.form)
        self.unanswered = False
        """A command was sent, and nobody knows what became of it."""

    def begin(self) -> None:
        """Ask for the first preview; from now on it takes keys, though it is not drawn yet."""
        self._edited(self._proposal.form)

    def press(self, key: str, character: str | None) -> None:
        """Take a key; while a command is on its way only leaving is possible."""
        if key in ("escape", "ctrl+c"):
            self._done(None)
        elif self.view.applying:
            return
        elif key == "enter":
            self._apply()
        else:
            form = self.view.form.press(key, character)
            if form is not None:
                self._edited(form)

    def paste(self, text: str) -> None:
        if not self.view.applying:
            self._edited(self.view.form.paste(text))

    def _edited(self, form: Form) -> None:
        before, self._asked = self.view, self._asked + 1
        waited, self._waiting, self._hurried = self._waiting, False, False
        snapshot = self._snapshot()
        confirm = self._proposal.confirm(form, snapshot)
        form = _asking_for(confirm, form)
        try:
            command = self._proposal.build(form, snapshot)
        except (TypedWrong, MoneyError) as problem:
            self.view = View(form, missing=str(problem), confirm=confirm)
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
            answer = await self._source.command(keyed, dry_run=True)
            if answer.error and not keyed.reason:  # what it would do is worth seeing before why
                reasoned = replace(keyed, reason="preview", idempotency_key=_preview_key())
                missing = answer.error
                answer = await self._source.command(reasoned, dry_run=True)
        except SourceError as problem:
            shown = replace(self.view, error=f"no preview: {problem}")
        else:
            missing = "" if answer.error else missing  # what no reason mends is said first
            shown = replace(self.view, answer=answer, refused=answer.error, missing=missing)
        if asked == self._asked:
            hurried, self._hurried = self._hurried, False
            self.view, self._waiting = shown, False
            self.draw()
            harmless = shown.answer and not (shown.error or shown.refused or shown.answer.warnings)
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
            self._ask("name", f"type {view.confirm} in the last field to confirm")
            return
        if self._waiting and view.answer is None:
            self._hurried = True
            self.view = replace(view, error="")
            self.draw()
            return
        self._asked += 1
        self.unanswered = True
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
        key = self._keys.setdefault(command, "console-" + secrets.token_hex(12))
        try:
            answer = await self._source.command(
                replace(command, idempotency_key=key), dry_run=False
            )
        except SourceError as problem:
            error = f"{problem}; it may or may not be in force: enter asks again, never twice"
            self.view = replace(self.view, applying=False, error=error)
            self.draw()
            return
        self.unanswered = False
        if answer.applied:
            self._done(answer)
            return
        # A refusal is final for its key; asking again, with what is known now, needs a new one.
        del self._keys[command]
        self.view = View(self.view.form)
        self._edited(self.view.form)
        hint = "; enter tries again on what is in force now" if answer.error_code == "stale" else ""
        self.view = replace(self.view, error=answer.error + hint)
        self.draw()

    def draw(self) -> None:
        """Draw the view at the widget's width, and take the height that it needs."""
        size, snapshot, form = self.app.size, self._snapshot(), self.view.form
        width = min(WIDTH, size.width)
        setting = Setting(
            self._proposal.title(form), self._proposal.now(form, snapshot),
            self._proposal.about(form),
        )  # fmt: skip
        lines = dialog_lines(setting, self.view, self._zone, width, now_us=snapshot.at_us)
        self.styles.height = len(lines)
        self.styles.width = width
        below = max(0, min(2, size.height - len(lines)))
        self.styles.offset = (max(0, (size.width - width) // 2), below)
        self.show(lines)


def _asking_for(name: str, form: Form) -> Form:
    """The form with a last field for the name where one must be typed, without it elsewhere."""
    others = tuple(field for field in form.fields if field.id != "name")
    if not name:
        return replace(form, fields=others, focus=min(form.focus, len(others) - 1))
    blank = Text("name", "confirm", width=24, limit=200)
    asked = next((field for field in form.fields if field.id == "name"), blank)
    return replace(form, fields=(*others, replace(asked, hint=f"type {name}")))

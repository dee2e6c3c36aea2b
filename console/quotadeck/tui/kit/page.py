"""A page: a full screen whose keys are those of the table."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from textual.screen import Screen

from quotadeck.domain.subject import Subject
from quotadeck.tui import terminal
from quotadeck.tui.keys.act import Act, NothingToDo, allowed, is_text, key_name
from quotadeck.tui.keys.table import TYPED, Place
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.foot import keys_line, note_line
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.modal import Modal
from quotadeck.tui.kit.moves import Moves
from quotadeck.tui.kit.spans import Line, crop
from quotadeck.tui.kit.travels import Travels
from quotadeck.tui.time.foot import past_keys
from quotadeck.words import say, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quotadeck.domain.subject import Subject
    from quotadeck.tui.command.grammar import Wanted
    from quotadeck.tui.keys.bindings import Keys


class Note(NamedTuple):
    """What the last key came to, and its role; ``ends_ns`` on the console's clock, if it ends."""

    text: str = ""
    role: str = "normal"
    ends_ns: int | None = None


NO_NOTE: Final = Note()
NOTE_S: Final = 10
"""So long a note takes the keys' place that tells no error; those stay until they were read."""


class Page(Moves, Travels, Screen[None], inherit_bindings=False):
    """A full screen: `do_VERB` does the table's action, `draw` shows what there is.

    A module of `pages/` has ``opened(context, of)``: the page, or the modal, opened from the page
    ``of``, for what is `about` there. Raises NothingToDo.

    A modal that stands over it has the keys until it is done; what is behind it goes on.
    """

    AUTO_FOCUS: ClassVar[str | None] = ""
    DEFAULT_CSS = """
    Page { layers: base over; }
    Page #foot { height: 1; }
    Page .modal { layer: over; position: absolute; }
    """

    def __init__(self, place: Place, context: Context) -> None:
        super().__init__()
        self.context = context
        self.palette = context.theme
        self._past_keys: Keys | None = None
        self.whole: Subject | None = None
        """What all of the page is about, where that is one thing."""
        self.modal: Modal | None = None
        self.note = NO_NOTE
        self.foot = Lines(context.theme, id="foot")
        self._place = place
        terminal.send_only_cells(self)

    @property
    def keys(self) -> Keys:
        """What each key does; in the past nothing can be changed."""
        if not self.context.link.away:
            return self.context.keys
        if self._past_keys is None:
            self._past_keys = replace(self.context.keys, read_only=True)
        return self._past_keys

    # -- drawing ---------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw what the page shows now."""
        raise NotImplementedError

    def draw_foot(self, line: Line | None = None) -> None:
        """What the last key came to, else ``line``, else the keys; a modal has keys of its own."""
        link, width = self.context.link, self.size.width
        if self.note.ends_ns is not None and link.monotonic_ns() >= self.note.ends_ns:
            self.note = NO_NOTE
        acts, note = self.keys.at(self._place), self.note
        if self.modal is not None:
            line = crop((), width)
        elif note.text:
            line = note_line(note.text, note.role, acts, width, self.may)
        if line is None and link.away:
            line = past_keys(self.keys, self._place, width)
        self.foot.show([keys_line(acts, width, self.may) if line is None else line])

    def may(self, act: Act) -> bool:
        """Whether this source can do it, and this operator may; before the first reading, yes."""
        picture = self.context.link.picture()
        can = self.context.source.capabilities.can(act.needs)
        return can and (picture is None or allowed(act, picture.whoami.role))

    def pulse(self) -> None:
        """The interval is over, or a reading came: draw what is a function of it."""
        if self.modal is not None and not terminal.stalled(self.app):
            self.modal.draw()

    def on_mount(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()
        if self.modal is not None:
            self.modal.draw()

    def work(self, begun: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do that in the background; it begins when it begins, or never if the page is left."""
        worked: Callable[[], Any] = begun
        self.run_worker(worked)

    def open(self, modal: Modal) -> None:
        """Put a modal over the page; the next key is already its own."""
        self.modal = modal
        self.mount(modal)
        modal.begin()
        self.draw()

    def close(self) -> None:
        """Take the modal away."""
        if self.modal is not None:
            self.modal.remove()
            self.modal = None

    def say(self, words: str, role: str = "normal") -> None:
        """Words in answer to a key, on the line of the keys; errors stand until the next key."""
        ends_ns = self.context.link.monotonic_ns() + NOTE_S * 1_000_000_000
        self.note = Note(words, role, ends_ns if role == "normal" else None)
        self.draw()

    # -- keys ------------------------------------------------------------------------------------

    @property
    def place(self) -> Place:
        """Which of the table's places it is."""
        return self._place

    def press(self, key: str, character: str | None) -> None:
        """Do what a key does here, or in the modal."""
        read, self.note = self.note, NO_NOTE
        place = (self.modal or self).place
        act = self.keys.act(place, key, character)
        if act is not None:
            self._do(act)
        elif place in TYPED and is_text(character):
            self.paste(character or "")
        elif self.modal is None and place not in TYPED:
            self.say(self._unknown(key, character), "attention")
        if read != NO_NOTE and self.is_current:
            self.draw()

    def paste(self, typed: str) -> None:
        """Take what was typed or pasted; where nothing is typed it is nothing."""
        (self.modal or self).insert(typed)

    def _do(self, act: Act) -> None:
        self.context.hints.pressed(act.id)
        source = self.context.source
        if not source.capabilities.can(act.needs):
            why = source.capabilities.why
            facts = {"source": source.label, "action": act.verb}
            self.say(
                text("keys.incapable.why", **facts, why=say(why))
                if why
                else text("keys.incapable", **facts),
                "attention",
            )
            return
        try:
            (self if act.scope == "app" else self.modal or self).do(act)
        except NothingToDo as why:
            self.say(say(why.notice), "attention")

    def do(self, act: Act) -> None:
        """Do an action of the page's place. Raises NothingToDo, which is said at the foot."""
        if act.opens:
            module = import_module(f"quotadeck.tui.pages.{act.opens}")
            self._show(module.opened(self.context, self))
        else:
            getattr(self, f"do_{act.verb}")()

    def _show(self, opened: Page | Modal) -> None:
        if isinstance(opened, Modal):
            self.open(opened)
        else:
            self.app.push_screen(opened)

    def about(self) -> Subject:
        """What is under the cursor; a request's id has no kind. Raises NothingToDo."""
        raise NothingToDo("screen.no_row")

    def insert(self, typed: str) -> None:
        """Take text into what is being typed."""

    def _unknown(self, key: str, character: str | None) -> str:
        name = character if character and character.isprintable() else key_name(key)
        act = self.keys.named(self.place, key, character)
        if act is not None and self.context.link.away:
            now = self.keys.shown("page.now")
            return text("keys.past", key=name, now=now)
        if act is not None:
            return text("keys.read_only", key=name, action=act.verb)
        if self.place == "help":
            return text("keys.unknown.help", key=name, back=self.keys.shown("opened.back"))
        return text("keys.unknown", key=name, help=self.keys.shown("page.help"))

    def do_command(self) -> None:
        from quotadeck.tui.command.line import CommandLine

        if self.context.link.snapshot is not None:
            acts = self.keys.at(self._place)
            marked, said = self.marked_subjects(), self.context.said
            self.open(CommandLine(self.context, acts, said, marked, self._commanded))

    def _commanded(self, found: Act | Wanted | None) -> None:
        self.close()
        self.draw()
        if isinstance(found, Act):
            self._do(found)
        elif found is not None:
            self.typed_change(found)

    def marked_subjects(self) -> Sequence[Subject]:
        """Those that were marked, in the list's order: what is done is done to all of them."""
        return ()

    def typed_change(self, wanted: Wanted) -> None:  # noqa: ARG002
        """Preview what the command line asks for."""
        self.say(text("line.not_here"), "attention")

    def do_export(self) -> None:
        from quotadeck.tui.command.export import Export

        if self.context.link.snapshot is not None:
            self.open(Export(self.context, self._exported))

    def _exported(self, words: str, role: str) -> None:
        self.close()
        self.say(words, role)

    def do_palette(self) -> None:
        from quotadeck.tui.command.palette import Palette

        self.open(Palette(self.context, self.keys.at(self._place), self._commanded))

    def copy(self, what: str) -> None:
        """Copy to the operator's clipboard, and show what: a terminal may not take it."""
        if what:
            terminal.copy(self.app, what)
            self.say(text("copied", what=what))
        else:
            self.say(text("copied.nothing"), "attention")

    # -- everywhere ------------------------------------------------------------------------------

    def do_quit(self) -> None:
        self.app.exit(return_code=0)

    def do_leave(self) -> None:
        self.app.exit(return_code=0)

    def do_redraw(self) -> None:
        terminal.redraw(self.app)

    def do_suspend(self) -> None:
        terminal.stop(self.app)

    def do_back(self) -> None:
        self.app.pop_screen()

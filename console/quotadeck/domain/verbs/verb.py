"""What a command is, as a row: all that differs from one command to the next stands in it.

The checks, the audit, the command line, the console's form and the documents follow from the rows.
Its words stand in `quotadeck.words`: ``command.NAME`` for one in force, ``help.NAME`` for its help.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from quotadeck.domain.commands import Actor, Entry, Rejected, Role, Value
from quotadeck.domain.layers import Layers
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.verbs.case import Case


class Takes(Enum):
    """What is typed for a command beside its subject."""

    NOTHING = auto()
    LIMIT = auto()
    """Which limit, and its value or a scale in percent."""
    TARGET = auto()
    TEXT = auto()
    PRIORITY = auto()
    """A project's class."""
    OVERRIDE = auto()
    """Which of the overrides in force, by its field; all of them where none is named."""
    KEY = auto()


class End(Enum):
    """Whether a command ends by itself."""

    NEVER = auto()
    MAY = auto()
    USUAL = auto()
    """It should: one without an end, a standing change, is for admins."""
    NEEDED = auto()
    """It is what the command is about: later by a duration, or at an instant."""


def within(actor: Actor, entry: Entry, layers: Layers) -> Rejected | None:  # noqa: ARG001
    """An operator's finer limit where there is none."""
    return None


@dataclass(frozen=True, slots=True)
class Verb:
    """``decide`` says what a well-formed command comes to; ``exceeds`` why that is too much for
    an operator. ``field`` is the value that it is about, None where the command names it.
    """

    name: str
    about: tuple[SubjectKind, ...]
    decide: Callable[[Case], Entry | tuple[Entry, ...] | Rejected]
    field: str | None = None
    takes: Takes = Takes.NOTHING
    sets: Value | None = None
    """The one value that it can set, where there is but one."""
    role: Role = Role.OPERATOR
    exceeds: Callable[[Actor, Entry, Layers], Rejected | None] = within
    end: End = End.NEVER
    explained: bool = False
    """It needs a reason."""
    public: bool = False
    """Its reason may be shown to clients."""
    of_all: bool = False
    """It may be about all projects but those of a class."""
    lifts: bool = False
    """It only takes something out of force: it is about what has it."""
    several: bool = False
    """It may be about several subjects at once: one change, with one undo."""
    of_state: bool = False
    """It depends on the subject's state."""
    versioned: bool = False
    """Refused where the subject changed since the asker looked."""
    urgent: bool = False
    """It passes the queue, and waits for at most one other command's sync."""
    undoable: bool = True
    """Its way back is offered with its answer."""
    line: str = ""
    """Its name on the command line; empty where a command there is written for it by hand."""

"""What came of a command, and the lines of the audit, as values.

Instants are UTC microseconds, money is nano-dollars, durations are milliseconds. What is to be
told to people is a kind with its facts: `quotadeck.words` words it for whoever reads it.
"""

from dataclasses import dataclass

from quotadeck.domain.commands import Entry, Rejected, Value
from quotadeck.domain.estimate import Estimate
from quotadeck.domain.notice import Notice
from quotadeck.domain.subject import Subject


@dataclass(frozen=True, slots=True)
class Part:
    """One value of a change of several: the fields are those of `CommandAnswer`."""

    subject: Subject
    field: str | None
    command_id: str = ""
    seq: int = 0
    before: Value | None = None
    after: Value | None = None
    until_us: int | None = None
    then: Value | None = None


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """What came of a command, or of a dry run what would come of it.

    ``before``, ``after`` and ``then`` are values of ``field`` in force: None is no limit, not
    paused, no key. Where a change is of several values, ``parts`` are all of them, and the answer's
    own are the first's.
    """

    applied: bool
    subject: Subject
    field: str | None = None
    dry_run: bool = False
    recorded: bool = True
    """False: in force, but the command log could not be written."""
    repeated: bool = False
    """This idempotency key was answered before; this is that answer again."""
    command_id: str = ""
    seq: int = 0
    before: Value | None = None
    after: Value | None = None
    until_us: int | None = None
    """When it ends by itself; None for a standing change."""
    then: Value | None = None
    """The value that is in force again afterwards; of no meaning where there is no end."""
    refused: Rejected | None = None
    """Why nothing was changed."""
    warnings: tuple[Notice, ...] = ()
    estimate: Estimate | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry of the command log, and whether it is in force: neither ended nor undone."""

    entry: Entry
    in_force: bool

    @property
    def id(self) -> str:
        return self.entry.id


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Newest first; ``next_before_seq`` is where the next page begins, None at the end."""

    rows: tuple[AuditRow, ...]
    next_before_seq: int | None

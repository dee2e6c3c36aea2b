"""Operators' changes as values: what was asked, by whom, and what came of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

from quotadeck.domain.notice import Fact, Notice
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean

Plain = int | str | bool
"""Of a project, a model or a target: a limit, nano-dollars, a target's id, True for paused."""
Value = Plain | ProjectKey
"""A value that a command sets."""

Code = Literal["not_allowed", "not_found", "stale", "conflict", "invalid", "unrecorded"]
"""``unrecorded``: what loosens could not be written to the command log."""

MAX_REASON: Final = 200
MAX_REFUSED_VALUE_CHARS: Final = 500
"""What the audit keeps of a value that was refused."""
MAX_OVERRIDE_MS: Final = 31 * 24 * 3_600_000
MAX_SUBJECTS: Final = 10_000
"""Of one change."""


class Action(StrEnum):
    """What an operator can ask for: the names that code speaks of. `verbs` has the rows."""

    PAUSE = "pause"
    RESUME = "resume"
    LIMIT = "limit"
    FALLBACK = "fallback"
    UNDO = "undo"
    KEY_ADD = "key_add"
    KEY_REVOKE = "key_revoke"
    REDO = "redo"
    EXTEND = "extend"
    END_NOW = "end_now"
    PERMANENT = "permanent"
    PRIORITY = "priority"
    NOTE = "note"
    ACKNOWLEDGE = "acknowledge"
    END_LEASE = "end_lease"
    END = "end"
    """An override's end, reached: the gateway itself records it, nobody can ask for it."""


class Field(StrEnum):
    """The changeable values of a subject. Limits are named as in the config file."""

    PAUSED = "paused"
    RPM = "rpm"
    TPM = "tpm"
    CONCURRENCY = "concurrency"
    BUDGET = "daily_budget_usd"
    TARGET = "target"
    """The target that a route is forced to."""
    KEY = "key"
    PRIORITY = "priority"
    """A project's class, by its word."""
    NOTE = "note"
    """What somebody wrote down: in force is nothing of it."""
    SEEN = "seen"
    """The kind of the trouble that somebody has seen."""
    LEASE = "lease"
    """What a lease is of: it ends, and in force is nothing of that."""


PASSING: Final = frozenset({Field.NOTE, Field.LEASE})
"""Of these nothing is in force afterwards: their entries stand in the log alone."""


def named(names: type[StrEnum], word: str) -> str:
    """The member of that name; a word that only another version knows stays a word."""
    try:
        return names(word)
    except ValueError:
        return word


class Role(StrEnum):
    """Who may do what; each may what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


EVERY_PROJECT: Final = Subject.project("*")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: from the connection (a peer's uid, a key), never from the message's body."""

    name: str
    role: Role
    origin: str
    """The door: ``socket`` or ``offline``."""


@dataclass(frozen=True, slots=True)
class Command:
    """What is asked. Exactly one of ``value`` and ``scale_percent`` is given for a limit.

    ``subject`` is a project, a model, a target, a key or, for an undo, a command; where it is about
    several, ``subjects`` are all of them, and that is the first. It ends after ``for_ms`` or at
    ``until_us``; without either it is a standing change.
    """

    action: str
    subject: Subject
    field: str | None = None
    value: Value | None = None
    scale_percent: int | None = None
    reason: str = ""
    public: bool = False
    """The reason may be shown to the paused project's clients."""
    for_ms: int | None = None
    idempotency_key: str = ""
    expected_version: int | None = None
    """The subject's version that the asker saw; None asks for no check."""
    until_us: int | None = None
    subjects: tuple[Subject, ...] = ()
    expected_versions: tuple[int, ...] = ()
    """Of ``subjects``, in their order; empty asks for no check."""
    all_but: str = ""
    """A class: the command is about all projects of lower ones; ``subject`` is `EVERY_PROJECT`."""
    needed: bool = False
    """Of a limit, instead of value and scale: what the last hour needed (`domain.needed`)."""

    @property
    def each(self) -> tuple[Subject, ...]:
        """All that it is about."""
        return self.subjects or (self.subject,)

    def parts(self) -> Iterator["Command"]:
        """The command about each of its subjects by itself."""
        if not self.subjects:
            yield self
            return
        seen = self.expected_versions or (None,) * len(self.subjects)
        for subject, version in zip(self.subjects, seen, strict=True):
            yield replace(
                self,
                subject=subject,
                subjects=(),
                expected_version=version,
                expected_versions=(),
                all_but="",
            )

    @property
    def expires(self) -> bool:
        """Whether it ends by itself."""
        return self.for_ms is not None or self.until_us is not None

    @property
    def reason_shown(self) -> str:
        """The reason, made safe to show."""
        return clean(self.reason, MAX_REASON).strip()

    @property
    def value_shown(self) -> Value | None:
        """The value as asked, made safe to show and cut to what is kept of a refused one."""
        if isinstance(self.value, ProjectKey):
            return self.value.shown
        if isinstance(self.value, str):
            return clean(self.value, MAX_REFUSED_VALUE_CHARS)
        return self.value

    def ends_at_us(self, now_us: int) -> int | None:
        """When it will end, on the wall clock; None for a standing change."""
        return self.until_us if self.for_ms is None else now_us + self.for_ms * 1_000


@dataclass(frozen=True, slots=True)
class Rejected:
    """A refused command: nothing changes. ``code`` is for programs, the notice for people.

    A storm of refusals shares one: it was the last of ``times`` since ``since_us``, and ``unread``
    more were not even read.
    """

    code: Code
    notice: Notice
    times: int = 1
    since_us: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A decided command as it stands in the log, refused ones too.

    ``ends`` are sequence numbers of entries that this one takes out of force. ``before`` and
    ``after`` are the values in force around it; None is no limit, not paused, no key.

    An end that was given as a duration (``for_ms``) is reached so long after ``steady_us``, on the
    clock of `quotadeck.domain.steady`; one that was given as a time of day (``for_ms`` None) when
    the wall clock shows ``until_us``.

    A command that comes to several entries is one change: they stand in the log together or not at
    all, and share its ``group``, the id of the first of them.
    """

    seq: int
    id: str
    at_us: int
    actor: str
    role: Role
    origin: str
    action: str
    subject: Subject
    field: str | None
    value: Value | None
    before: Value | None
    after: Value | None
    reason: str
    public: bool
    until_us: int | None
    ends: tuple[int, ...]
    applied: bool
    idempotency_key: str = ""
    refused: Rejected | None = None
    """Why nothing was changed; None when applied."""
    then: Value | None = None
    """The value in force again after ``until_us``; of no meaning where there is no end."""
    under: int = 0
    """The number of the override that stays in force above this standing change; 0 for none."""
    of: str = ""
    """The id of the command that an undo takes back, or that came to its end."""
    idle: bool = False
    """The end of what was out of force already: nothing changed, and it is no news."""
    prev_hash: str = ""
    hash: str = ""
    for_ms: int | None = None
    steady_us: int = 0
    """``at_us`` on the steady clock."""
    group: str = ""
    asked: str = ""
    """What was asked, as a digest: the same command, sent again, has the same."""

    @property
    def steady_end_us(self) -> int | None:
        """The instant on the steady clock at which a duration is over."""
        return None if self.for_ms is None else self.steady_us + self.for_ms * 1_000


def amount(value: Value | None) -> int:
    """The number that a limit's value is; 0 for what is none."""
    return value if isinstance(value, int) else 0


def value_facts(field: str | None, /, **values: Value | None) -> dict[str, Fact]:
    """Values of a field as a notice's facts: `quotadeck.words` writes them as the field asks."""
    facts: dict[str, Fact] = {"field": field}
    for name, value in values.items():
        if isinstance(value, ProjectKey):
            facts |= {name: value.projects, "label": value.label}
        else:
            facts[name] = value
    return facts

"""Operators' changes as values: what was asked, by whom, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from quotadeck.domain.notice import Notice
from quotadeck.domain.subject import Subject

Value = int | str | bool
"""A value that a command sets: a limit, nano-dollars, a target's id, True for paused."""

Code = Literal["not_allowed", "not_found", "stale", "conflict", "invalid", "unrecorded"]
"""``unrecorded``: what loosens could not be written to the command log."""

MAX_REASON: Final = 200
MAX_OVERRIDE_MS: Final = 31 * 24 * 3_600_000


class Action(StrEnum):
    """What an operator can ask for."""

    PAUSE = "pause"
    RESUME = "resume"
    LIMIT = "limit"
    FALLBACK = "fallback"
    UNDO = "undo"
    KEY_ADD = "key_add"
    KEY_REVOKE = "key_revoke"
    END = "end"
    """An override's end, reached: the gateway itself records it, nobody can ask for it."""


LASTING: Final = frozenset({Action.PAUSE, Action.LIMIT, Action.FALLBACK})
"""Those that stay in force: with an end or, as a standing change, without."""


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


LIMIT_FIELDS: Final = (Field.RPM, Field.TPM, Field.CONCURRENCY, Field.BUDGET)


class Role(StrEnum):
    """Who may do what; the table is in `decide`."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


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

    ``subject`` is a project, a model, a target, a key or, for an undo, a command. It ends after
    ``for_ms`` or at ``until_us``; without either it is a standing change.
    """

    action: Action
    subject: Subject
    field: Field | None = None
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

    @property
    def expires(self) -> bool:
        """Whether it ends by itself."""
        return self.for_ms is not None or self.until_us is not None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A refused command: nothing changes. ``code`` is for programs, the notice for people."""

    code: Code
    notice: Notice


@dataclass(frozen=True, slots=True)
class Entry:
    """A decided command as it stands in the log, refused ones too.

    ``ends`` are sequence numbers of entries that this one takes out of force. ``before`` and
    ``after`` are the values in force around it, as text for the audit.

    An end that was given as a duration (``for_ms``) is reached so long after ``steady_us``, on the
    clock of `quotadeck.domain.steady`; one that was given as a time of day (``for_ms`` None) when
    the wall clock shows ``until_us``.
    """

    seq: int
    id: str
    at_us: int
    actor: str
    role: Role
    origin: str
    action: Action
    subject: Subject
    field: Field | None
    value: Value | None
    before: str
    after: str
    reason: str
    public: bool
    until_us: int | None
    ends: tuple[int, ...]
    applied: bool
    error: str
    """Why it was refused; empty when applied."""
    idempotency_key: str
    then: str = ""
    """The value in force again after ``until_us``, as text; empty where there is no end."""
    under: int = 0
    """The number of the override that stays in force above this standing change; 0 for none."""
    prev_hash: str = ""
    hash: str = ""
    for_ms: int | None = None
    steady_us: int = 0
    """``at_us`` on the steady clock."""

    @property
    def steady_end_us(self) -> int | None:
        """The instant on the steady clock at which a duration is over."""
        return None if self.for_ms is None else self.steady_us + self.for_ms * 1_000

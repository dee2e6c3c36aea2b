"""The admin API's messages: what is asked, and what is answered, as pydantic models.

Readers ignore fields they do not know; commands forbid them. Instants are RFC 3339, durations
integer milliseconds, money integer nano-dollars.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from quotadeck.domain.commands import MAX_OVERRIDE_MS, MAX_REASON, Action, Role
from quotadeck.domain.commands import Field as ValueField
from quotadeck.domain.days import micros
from quotadeck.domain.text import clean

_MAX_TEXT_CHARS = 2_000
MAX_VALUE_CHARS = 4_000
"""A key of `MAX_PROJECTS` long names and a label full of emoji is the longest value."""

Subject = Annotated[str, StringConstraints(min_length=3, max_length=300)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Answered(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    @field_validator("*")
    @classmethod
    def _safe_to_draw(cls, value: Any) -> Any:
        """Texts of an answer come from outside for whoever reads it."""
        if type(value) is str:
            return clean(value, _MAX_TEXT_CHARS)
        if isinstance(value, tuple) and value and isinstance(value[0], str):
            return tuple(clean(text, _MAX_TEXT_CHARS) for text in value)
        if isinstance(value, dict):
            return {clean(name): count for name, count in value.items()}
        return value


class CommandRequest(_Asked):
    """``POST /admin/v1/commands``. See `quotadeck.domain.commands.Command` for the meanings."""

    action: Annotated[Action, Field(strict=False)]
    subject: Subject
    field: Annotated[ValueField | None, Field(strict=False)] = None
    value: int | bool | Annotated[str, StringConstraints(max_length=MAX_VALUE_CHARS)] | None = None
    scale_percent: Annotated[int, Field(ge=1, le=100_000)] | None = None
    reason: Annotated[str, StringConstraints(max_length=MAX_REASON)] = ""
    public: bool = False
    for_ms: Annotated[int, Field(ge=1_000, le=MAX_OVERRIDE_MS)] | None = None
    until: Annotated[str, StringConstraints(max_length=40)] | None = None
    """The instant at which it ends, by the gateway's wall clock; instead of ``for_ms``."""
    idempotency_key: Annotated[str, StringConstraints(min_length=8, max_length=80)]
    expected_version: Annotated[int, Field(ge=0)] | None = None
    dry_run: bool = False

    @field_validator("until")
    @classmethod
    def _an_instant(cls, until: str | None) -> str | None:
        try:
            if until is not None:
                micros(until)
        except ValueError:
            raise PydanticCustomError(
                "instant", "input should be an instant such as 2026-11-27T09:00:00Z"
            ) from None
        return until


class Estimate(_Answered):
    """What the last 15 minutes' roll-ups say about a change: an estimate, not a replay."""

    minutes: int
    requests: int
    """Requests that came in that time, refused ones included."""
    admitted_before: int
    admitted_after: int
    refused_before: int
    refused_after: int
    spend_before_nano: int
    spend_after_nano: int


class CommandAnswer(_Answered):
    """What came of a command, or with ``dry_run`` what would come of it."""

    applied: bool
    dry_run: bool = False
    recorded: bool = True
    """False: in force, but the command log could not be written."""
    repeated: bool = False
    """This idempotency key was answered before; this is that answer again."""
    command_id: str = ""
    seq: int = 0
    subject: str
    field: str | None = None
    before: str = ""
    after: str = ""
    until: str | None = None
    """When it ends by itself, RFC 3339; None for a standing change."""
    then: str = ""
    """The value that is in force again afterwards."""
    error: str = ""
    """Why it was refused, and what to do; empty when applied."""
    error_code: str = ""
    """``not_allowed``, ``not_found``, ``stale``, ``conflict``, ``invalid`` or empty;
    ``unrecorded`` where what loosens could not be written to the command log."""
    warnings: tuple[str, ...] = ()
    estimate: Estimate | None = None


class AuditRow(_Answered):
    """One line of the audit: the command log's readable view."""

    seq: int
    id: str
    at: str
    actor: str
    role: Role
    origin: str
    action: str
    subject: str
    field: str | None
    before: str
    after: str
    reason: str
    public: bool
    until: str | None
    applied: bool
    error: str
    in_force: bool
    """Neither ended, undone nor expired."""
    hash: str


class AuditPage(_Answered):
    """``GET /admin/v1/audit?before_seq=&limit=&subject=``; newest first."""

    rows: tuple[AuditRow, ...]
    next_before_seq: int | None

"""What the admin API is asked to do, as a pydantic model: a command, checked where it enters.

Fields that nobody knows are refused. Instants are RFC 3339, durations integer milliseconds, money
integer nano-dollars.
"""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from quotadeck.domain.commands import MAX_OVERRIDE_MS, MAX_REASON, MAX_SUBJECTS
from quotadeck.domain.days import micros
from quotadeck.domain.verbs import VERBS

MAX_VALUE_CHARS = 4_000
"""A key of `MAX_PROJECTS` long names and a label full of emoji is the longest value."""

Subject = Annotated[str, StringConstraints(min_length=3, max_length=300)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CommandRequest(_Asked):
    """``POST /admin/v1/commands``. See `quotadeck.domain.commands.Command` for the meanings."""

    action: Annotated[str, StringConstraints(max_length=40)]
    subject: Subject
    """May be left out where ``subjects`` are given: it is the first of them."""
    field: Annotated[str, StringConstraints(max_length=40)] | None = None
    value: (
        int
        | bool
        | Annotated[str, StringConstraints(max_length=MAX_VALUE_CHARS)]
        | dict[str, str | list[str]]
        | None
    ) = None
    """A key is an object of its ``sha256``, its ``projects`` and its ``label``."""
    scale_percent: Annotated[int, Field(ge=1, le=100_000)] | None = None
    reason: Annotated[str, StringConstraints(max_length=MAX_REASON)] = ""
    public: bool = False
    for_ms: Annotated[int, Field(ge=1_000, le=MAX_OVERRIDE_MS)] | None = None
    until: Annotated[str, StringConstraints(max_length=40)] | None = None
    """The instant at which it ends, by the gateway's wall clock; instead of ``for_ms``."""
    idempotency_key: Annotated[str, StringConstraints(min_length=8, max_length=80)]
    expected_version: Annotated[int, Field(ge=0)] | None = None
    subjects: Annotated[list[Subject], Field(max_length=MAX_SUBJECTS), FailFast()] = Field(
        default=[]
    )
    """All that the command is about, where that is more than one: one change, one undo."""
    expected_versions: Annotated[
        list[Annotated[int, Field(ge=0)]], Field(max_length=MAX_SUBJECTS), FailFast()
    ] = Field(default=[])
    """Of the ``subjects``, in their order."""
    needed: bool = False
    """Set a limit to what the last hour needed, instead of a value or a scale."""
    all_but: Annotated[str, StringConstraints(max_length=40)] = ""
    """A class; the command is about all projects of lower ones, and its subject is project:*."""
    dry_run: bool = False

    @field_validator("action")
    @classmethod
    def _a_command(cls, action: str) -> str:
        if action not in VERBS:
            names = ", ".join(repr(str(name)) for name in VERBS)
            raise PydanticCustomError("command", f"input should be one of {names}")
        return action

    @model_validator(mode="before")
    @classmethod
    def _about_something(cls, asked: Any) -> Any:
        if isinstance(asked, dict) and "subject" not in asked and asked.get("subjects"):
            several = asked["subjects"]
            return {**asked, "subject": several[0] if isinstance(several, list) else ""}
        return asked

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

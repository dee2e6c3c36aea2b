"""A secret by reference, as the config file writes it."""

from typing import Annotated, Final

from pydantic import Field, model_validator

from quotadeck.wire.config.table import PathText, Table

REFERENCE: Final = (
    '{ env = "UPPER_CASE_NAME" }, { file = "PATH" } or { command = ["PROGRAM", "ARG"] }'
)


class SecretRef(Table):
    """Where a secret stands; exactly one of the three."""

    env: Annotated[str | None, Field(pattern=r"^[A-Z_][A-Z0-9_]{0,99}$")] = None
    """An environment variable. Upper case only, so that a key pasted here is not taken for one."""
    file: PathText = None
    """A file of mode 0600 or 0640; a relative path starts at the config file."""
    command: Annotated[list[str] | None, Field(min_length=1)] = None
    """A program and its arguments, without a shell; its output is the secret."""

    @model_validator(mode="after")
    def _exactly_one(self) -> "SecretRef":
        if sum(way is not None for way in (self.env, self.file, self.command)) != 1:
            raise ValueError("not exactly one")
        return self

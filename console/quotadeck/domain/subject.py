"""What a command, a state or a bucket is about: a kind and a name, and the one grammar of its text.

On the wire and on disk a subject is text: ``project:analytics``, ``target:main/opus``,
``command:cmd_…``. It is taken apart here and nowhere else.
"""

from enum import StrEnum
from typing import NamedTuple


class SubjectKind(StrEnum):
    """The word before the colon."""

    PROJECT = "project"
    MODEL = "model"
    TARGET = "target"
    KEY = "key"
    COMMAND = "command"
    LEASE = "lease"
    GATEWAY = "gateway"
    OTHER = ""
    """Of a kind that only a newer version knows, or no subject at all."""


class Subject(NamedTuple):
    """A value that costs no more than its two words: a key of the hot path's tables.

    A subject of kind OTHER has the whole text as its name, so that every text, whoever wrote it,
    reads back as it was.
    """

    kind: SubjectKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.kind else self.name

    @classmethod
    def parse(cls, text: str) -> "Subject":
        """The subject that ``str`` wrote as this text; never an error."""
        word, colon, name = text.partition(":")
        kind = _KINDS.get(word) if colon else None
        return cls(SubjectKind.OTHER, text) if kind is None else cls(kind, name)

    @classmethod
    def project(cls, name: str) -> "Subject":
        return cls(SubjectKind.PROJECT, name)

    @classmethod
    def model(cls, name: str) -> "Subject":
        return cls(SubjectKind.MODEL, name)

    @classmethod
    def target(cls, name: str) -> "Subject":
        return cls(SubjectKind.TARGET, name)

    @classmethod
    def key(cls, name: str) -> "Subject":
        return cls(SubjectKind.KEY, name)

    @classmethod
    def lease(cls, name: str) -> "Subject":
        return cls(SubjectKind.LEASE, name)

    @classmethod
    def command(cls, name: str) -> "Subject":
        return cls(SubjectKind.COMMAND, name)


_KINDS = {kind.value: kind for kind in SubjectKind if kind}

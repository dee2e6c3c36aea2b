"""What a check of the doctor says."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a finding counts; FAIL makes the doctor exit with 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, and what to do where it is not ok."""

    check: str
    state: State
    found: str
    todo: str = ""


def ok(check: str, found: str) -> Finding:
    return Finding(check, State.OK, found)


def warn(check: str, found: str, todo: str) -> Finding:
    return Finding(check, State.WARN, found, todo)


def fail(check: str, found: str, todo: str) -> Finding:
    return Finding(check, State.FAIL, found, todo)

"""What a check of the doctor says."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a finding counts; FAIL makes the doctor exit with 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, and what to do where it is not ok."""

    check: str
    state: Verdict
    found: str
    todo: str = ""


def ok(check: str, found: str) -> Finding:
    return Finding(check, Verdict.OK, found)


def warn(check: str, found: str, todo: str) -> Finding:
    return Finding(check, Verdict.WARN, found, todo)


def fail(check: str, found: str, todo: str) -> Finding:
    return Finding(check, Verdict.FAIL, found, todo)

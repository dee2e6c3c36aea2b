"""Answers to commands, and the audit's lines, as the admin API sends them.

They carry codes, kinds and facts; beside each notice stands its English, for people who read JSON
by eye. A key's hash stays here.
"""

from typing import Any

import orjson

from quotadeck.domain.answers import AuditRow, CommandAnswer
from quotadeck.domain.commands import Entry, Rejected
from quotadeck.gateway.control.admin_error import with_text
from quotadeck.wire.objects import plain
from quotadeck.words.commands import error, reason


def answer_json(answer: CommandAnswer) -> bytes:
    """What came of a command; ``error`` and ``code`` are those of every refusal of the API."""
    told = _without_hashes(plain(answer))
    warnings = [with_text(warning) for warning in answer.warnings]
    return orjson.dumps(told | _refused(answer.refused) | {"warnings": warnings})


def audit_json(entry: Entry, *, in_force: bool) -> bytes:
    """A line of the audit; ``because`` is the reason in words, also where nobody gave one."""
    told = _without_hashes(plain(AuditRow(entry, in_force)))
    return orjson.dumps(told | _refused(entry.refused) | {"because": reason(entry)})


def _refused(rejected: Rejected | None) -> dict[str, Any]:
    if rejected is None:
        return error(None)
    told = plain(rejected) | {"notice": with_text(rejected.notice)}
    return {**error(rejected), "refused": told}


def _without_hashes(told: dict[str, Any]) -> dict[str, Any]:
    for value in told.values():
        if isinstance(value, dict) and "sha256" in value:
            value["sha256"] = ""
    return told

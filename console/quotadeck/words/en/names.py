"""Words of ours that stand in a place of a sentence: fields, causes, values."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence

SENTENCES: Final[Mapping[str, Sentence]] = {
    "name.paused": "paused",
    "field.paused": "state",
    "name.running": "running",
    "name.unlimited": "unlimited",
    "name.concurrency": "slots",
    "name.daily_budget_usd": "budget",
    "name.target_rpm": "rpm",
    "name.target_tpm": "tpm",
    "name.target": "target",
    "name.project": "project",
    "name.model": "model",
    "name.key": "key",
    "name.undo": "undo",
    "name.redo": "redo",
    "name.end_now": "end",
    "name.high": "high",
    "name.medium": "medium",
    "name.low": "low",
    "name.priority": "priority",
    "name.seen": "seen",
    "name.note": "note",
    "name.lease": "lease",
    "name.end_lease": "end a lease",
    "name.end": "end",
    "name.viewer": "viewer",
    "name.operator": "operator",
    "name.admin": "admin",
    "name.socket": "socket",
    "name.offline": "offline",
    "name.cut_off": "cut off",
}

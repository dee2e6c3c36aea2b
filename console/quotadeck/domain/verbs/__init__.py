"""The commands: a row each, in the order of the command line's help."""

from collections.abc import MutableMapping
from typing import Final

from quotadeck.domain.verbs.fallback import FALLBACK
from quotadeck.domain.verbs.keys import KEY_ADD, KEY_REVOKE
from quotadeck.domain.verbs.leases import END_LEASE
from quotadeck.domain.verbs.limit import LIMIT
from quotadeck.domain.verbs.overrides import END_NOW, EXTEND, PERMANENT
from quotadeck.domain.verbs.pause import PAUSE, RESUME
from quotadeck.domain.verbs.priority import PRIORITY
from quotadeck.domain.verbs.told import ACKNOWLEDGE, NOTE
from quotadeck.domain.verbs.undo import REDO, UNDO
from quotadeck.domain.verbs.verb import End, Takes, Verb

__all__ = ["VERBS", "End", "Takes", "Verb"]

VERBS: Final[MutableMapping[str, Verb]] = {
    verb.name: verb
    for verb in (
        *(PAUSE, RESUME, LIMIT, FALLBACK, PRIORITY, EXTEND, END_NOW, PERMANENT, ACKNOWLEDGE),
        *(NOTE, UNDO, REDO, KEY_ADD, KEY_REVOKE, END_LEASE),
    )
}
"""By name. An override's end is none of them: the clock alone brings it."""

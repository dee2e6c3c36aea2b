"""What is in force of a subject, as the readings tell it: now from the plan, of the past from the
log."""

from collections.abc import Iterable
from typing import Final

from quotadeck.domain.commands import Entry, Field
from quotadeck.domain.layers import InForce
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.snapshot import Change
from quotadeck.domain.state import State

_BESIDE_US: Final = 2_000_000
"""Beginnings of states are on another clock than commands."""


def changes_of(
    in_force: Iterable[InForce], state: State, now_ms: int, now_us: int
) -> tuple[Change, ...]:
    """The commands in force, in their order; what the file says is no change.

    That a trouble was seen is told as long as that trouble holds: ``state`` says which do,
    ``now_ms`` and ``now_us`` are its clock and the wall's.
    """
    changes = []
    for item in in_force:
        entry = item.entry
        was, value = item.base, item.value
        if entry is None or entry.field is None or value is None:
            continue
        if entry.field == Field.SEEN and not _is_there(entry, state, now_ms, now_us):
            continue
        # A project key is nobody's row.
        assert not isinstance(value, ProjectKey)
        assert not isinstance(was, ProjectKey)
        changes.append(
            Change(
                command_id=entry.id,
                field=str(entry.field),
                value=value,
                was=was,
                layer=item.layer,
                until_us=entry.until_us,
                actor=entry.actor,
                reason=entry.reason,
            )
        )
    return tuple(changes)


def _is_there(seen: Entry, state: State, now_ms: int, now_us: int) -> bool:
    """Whether the trouble that was seen still holds, and has not begun anew since."""
    for held in (state, *state.others):
        if held.kind == seen.value:
            since_us = now_us - (now_ms - (held.since_ms or 0)) * 1_000
            return held.since_ms is None or since_us <= seen.at_us + _BESIDE_US
    return False

"""What is in force of a subject, as the readings tell it: now from the plan, of the past from the
log."""

from collections.abc import Iterable

from quotadeck.domain.layers import InForce
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.snapshot import Change


def changes_of(in_force: Iterable[InForce]) -> tuple[Change, ...]:
    """The commands in force, in their order; what the file says is no change."""
    changes = []
    for item in in_force:
        entry = item.entry
        was, value = item.base, item.value
        if entry is None or entry.field is None or value is None:
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

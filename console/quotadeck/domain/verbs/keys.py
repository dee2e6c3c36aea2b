"""Project keys: one is added under its hash, or revoked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from quotadeck.domain.commands import Action, Entry, Field, Rejected, Role
from quotadeck.domain.nearest import nearest
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.text import clean
from quotadeck.domain.verbs.case import Case, rejected
from quotadeck.domain.verbs.verb import End, Takes, Verb

if TYPE_CHECKING:
    from quotadeck.domain.catalogue import Catalogue

MAX_LABEL: Final = 40
MAX_PROJECTS: Final = 50
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,63}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def _add(case: Case) -> Entry | Rejected:
    if case.in_force.value is not None:
        return rejected("conflict", "key.taken", name=case.name)
    if not _ID.fullmatch(case.name):
        return rejected("invalid", "key.id", name=case.name)
    key = case.command.value
    if not isinstance(key, ProjectKey):
        return rejected("invalid", "key.no_key")
    if not _SHA256.fullmatch(key.sha256):
        return rejected("invalid", "key.sha256")
    if len(key.label) > MAX_LABEL:
        return rejected("invalid", "key.label", most=MAX_LABEL)
    # The same secret under two ids would let a revoked key live on.
    if any(other.sha256 == key.sha256 for other in _living(case)):
        return rejected("conflict", "key.secret")
    if wrong := _projects_wrong(key.projects, case.catalogue):
        return wrong
    return case.entry(replace(key, label=clean(key.label, MAX_LABEL).strip()))


def _living(case: Case) -> Iterator[ProjectKey]:
    for subject, field in case.layers.by_slot:
        value = case.layers.in_force(subject, field, case.now_us).value
        if field == Field.KEY and isinstance(value, ProjectKey):
            yield value


def _projects_wrong(projects: tuple[str, ...], catalogue: Catalogue) -> Rejected | None:
    if not 1 <= len(projects) <= MAX_PROJECTS or len(set(projects)) != len(projects):
        return rejected("invalid", "key.projects", most=MAX_PROJECTS)
    for name in projects:
        if name not in catalogue.projects:
            near = nearest(name, catalogue.projects)
            return rejected(
                "not_found", f"key.project{'.near' if near else ''}", name=name, near=near
            )
    return None


def _revoke(case: Case) -> Entry | Rejected:
    if added := case.layers.living(case.slot, case.now_us):
        return case.entry(ends=tuple(entry.seq for entry in added))
    return rejected("not_found", "key.unknown", name=case.name)


_KEY: Final = (SubjectKind.KEY,)

KEY_ADD: Final = Verb(
    Action.KEY_ADD,
    _KEY,
    _add,
    Field.KEY,
    Takes.KEY,
    role=Role.ADMIN,
    end=End.MAY,
    undoable=False,
)
KEY_REVOKE: Final = Verb(
    Action.KEY_REVOKE, _KEY, _revoke, Field.KEY, role=Role.ADMIN, explained=True, urgent=True,
    undoable=False,
)  # fmt: skip

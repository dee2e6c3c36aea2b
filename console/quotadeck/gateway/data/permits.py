"""Whether a project may ask for what costs or reaches beyond the request's own bytes.

Such as a dearer tier, tools without a bound, or the ids of others. Most requests ask for nothing of
the kind, and never come here. What the config does not allow is refused by name, before anything is
taken or sent.
"""

from typing import Protocol

from quotadeck.dialects.base import Ask
from quotadeck.dialects.beyond import kind_of_unbounded
from quotadeck.domain.catalogue import Allow, Project
from quotadeck.domain.refusals import ChoiceNotAllowed, NotOfProject, Unbounded
from quotadeck.domain.tiers import is_dearer

_ANY = "*"


class Owners(Protocol):
    """Whose the ids are that were made here."""

    async def owner(self, kind: str, identity: str) -> str:
        """The project that made it in the last 30 days; empty: none that is known.

        Raises LedgerUnavailable where nobody can say.
        """
        ...


async def permitted(ask: Ask, project: Project, owners: Owners) -> Ask:
    """The request, with the reserve that is to be held for it.

    Raises ChoiceNotAllowed, Unbounded or NotOfProject; LedgerUnavailable as `Owners.owner`.
    """
    beyond, allow = ask.beyond, project.allow
    for field, value in beyond.chooses:
        if not may_choose(allow, field, value):
            allowed = tuple(sorted(allow.fields.get(field, ())))
            raise ChoiceNotAllowed(field, value, project.id, allowed)
    for field in beyond.unbounded:
        word = kind_of_unbounded(field)
        if word not in allow.unbounded:
            raise Unbounded(field, word, project.id)
    if _ANY not in allow.ids:
        for kind, identity in beyond.refers:
            if identity in allow.ids:
                continue
            if await owners.owner(kind, identity) != project.id:
                raise NotOfProject(kind, identity, project.id)
    if not beyond.unbounded:
        return ask
    return ask._replace(costs_more=True, reserve_nano=allow.reserve_nano)


def may_choose(allow: Allow, field: str, value: str) -> bool:
    """Whether this is free to all, as a tier that costs no more than the usual, or allowed."""
    allowed = allow.fields.get(field, frozenset())
    return value in allowed or _ANY in allowed or not is_dearer(field, value)

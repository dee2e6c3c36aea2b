"""The accounts behind the admin socket's peers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from quotadeck.domain.clock import Clock
from quotadeck.domain.commands import Actor, Role
from quotadeck.gateway.connection.peer import actor_of

_KNOWN_NS: Final = 30_000_000_000
"""How long an account's role is remembered: groups may be asked over the network."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Peers' uids as actors."""

    roles: Mapping[Role, tuple[str, ...]]
    own_uid: int
    clock: Clock
    remembered: dict[int, tuple[int, Actor]] = field(default_factory=dict)
    asked: dict[int, asyncio.Task[Actor]] = field(default_factory=dict)
    """Look-ups under way: one an account, however many connections wait for it."""

    async def of(self, uid: int) -> Actor:
        """Who it is, with the role that the config gives."""
        until_ns, actor = self.remembered.get(uid, (0, None))
        if actor is None or self.clock.monotonic_ns() >= until_ns:
            if uid not in self.asked:
                self.asked[uid] = asyncio.create_task(self._ask(uid))
            actor = await asyncio.shield(self.asked[uid])
        return actor

    async def _ask(self, uid: int) -> Actor:
        try:
            actor = await asyncio.to_thread(actor_of, uid, self.roles, self.own_uid)
            self.remembered[uid] = (self.clock.monotonic_ns() + _KNOWN_NS, actor)
            return actor
        finally:
            del self.asked[uid]

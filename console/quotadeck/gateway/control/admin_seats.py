"""How many requests of the admin API an account may have under way, and how many a role.

Watching never keeps anybody from acting: streams end only when their reader leaves, so they get
fewer places than short requests, viewers fewer than operators, and operators fewer than admins,
one of which is the gateway's own account.
"""

from collections.abc import Mapping
from typing import Final

from quotadeck.domain.commands import Actor, Role
from quotadeck.gateway.connection.connections import Crowded, OwnerCrowded, Seat
from quotadeck.gateway.control.admin_error import AdminRefusal

REQUESTS_OF_A_UID: Final[Mapping[Role, int]] = {
    Role.VIEWER: 16,
    Role.OPERATOR: 56,
    Role.ADMIN: 72,
}
"""Streams among them. Who may change things may have a script with fifty processes do it."""
STREAMS_OF_A_UID: Final = 12
PLACES: Final[Mapping[Role, int]] = {Role.VIEWER: 64, Role.OPERATOR: 88, Role.ADMIN: 112}
"""Of the 128 connections; the last 16 are for those that only wait."""
_NO_STREAMS: Final = 8
"""The last places of each role, which a stream does not get."""
_CLOSE: Final = {"connection": "close", "retry-after": "5"}


def take_seat(seat: Seat, actor: Actor, *, is_stream: bool) -> None:
    """Let a request of the actor begin. Raises AdminRefusal where there is no place for it."""
    share = STREAMS_OF_A_UID if is_stream else REQUESTS_OF_A_UID[actor.role]
    places = PLACES[actor.role] - (_NO_STREAMS if is_stream else 0)
    try:
        seat.serve(str(seat.uid), share=share, places=places)
    except OwnerCrowded as crowded:
        kind = "admin.account_crowded.streams" if is_stream else "admin.account_crowded"
        refusal = AdminRefusal(429, "too_many", kind, actor=actor.name, most=crowded.allowed)
    except Crowded as crowded:
        kind = "admin.crowded.streams" if is_stream else "admin.crowded"
        role, most = actor.role.value, crowded.places
        refusal = AdminRefusal(503, "too_many", kind, role=role, places=most)
    else:
        return
    refusal.headers = _CLOSE
    raise refusal

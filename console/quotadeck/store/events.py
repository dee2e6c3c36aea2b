"""An event of the gateway itself, as it is made."""

import os

from quotadeck.domain.clock import Clock
from quotadeck.domain.ids import new_id
from quotadeck.domain.snapshot import Event, EventKind


def gateway_event(text: str, clock: Clock) -> Event:
    """What the gateway has to tell of itself, now."""
    at_us = clock.wall_us()
    event_id = new_id("evt", at_us, os.urandom(10))
    return Event(event_id, at_us, EventKind.GATEWAY, "", text)

"""An event of the gateway itself, as it is made."""

import os

from quotadeck.domain.clock import Clock
from quotadeck.domain.ids import new_id
from quotadeck.domain.snapshot import Happening, HappeningKind


def gateway_event(text: str, clock: Clock) -> Happening:
    """What the gateway has to tell of itself, now."""
    at_us = clock.wall_us()
    event_id = new_id("evt", at_us, os.urandom(10))
    return Happening(event_id, at_us, HappeningKind.GATEWAY, "", text)

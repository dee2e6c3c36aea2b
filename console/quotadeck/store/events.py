"""Events: the gateway's own as they are made, and their facts as text in the ledger."""

import os
from typing import Final

import orjson

from quotadeck.domain.clock import Clock
from quotadeck.domain.ids import new_id
from quotadeck.domain.notice import Notice, notice_of
from quotadeck.domain.snapshot import Event

ALIVE: Final = "alive_us"
"""The fact of a start's event that says when the gateway before it was seen alive last."""


def gateway_event(told: Notice, clock: Clock) -> Event:
    """What the gateway has to tell of itself, now."""
    at_us = clock.wall_us()
    return Event(new_id("evt", at_us, os.urandom(10)), at_us, "", told)


def facts_text(told: Notice) -> str:
    """The facts as JSON; `told_of` reads it."""
    return orjson.dumps(dict(told.facts)).decode()


def told_of(kind: str, facts: str) -> Notice:
    """A notice from the ledger's row; facts that were damaged are none."""
    try:
        return notice_of(kind, orjson.loads(facts))
    except ValueError:
        return Notice(kind)

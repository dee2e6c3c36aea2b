"""Instants as people read them, in a stated zone: None is the machine's."""

from datetime import UTC, datetime, tzinfo
from typing import Final

from quotadeck.domain.days import FIRST_US, LAST_US

_DAY_US: Final = 86_400_000_000
"""No zone's clocks are further from UTC's."""


def local(at_us: int, zone: tzinfo | None) -> datetime:
    """The instant on the zone's clocks."""
    at_us = min(max(at_us, FIRST_US + _DAY_US), LAST_US - _DAY_US)
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(zone)


def clock_time(at_us: int, zone: tzinfo | None) -> str:
    """``03:02``."""
    return local(at_us, zone).strftime("%H:%M")


def day_time(at_us: int, now_us: int, zone: tzinfo | None, *, seconds: bool = False) -> str:
    """``03:02`` today; else with the day, ``23 Nov 23:58``, and the year where it is another.

    In an hour that the clocks show twice it is told which, ``02:58 CEST``; not where seconds are,
    which columns of a fixed width have.
    """
    then, today = local(at_us, zone), local(now_us, zone)
    told = then.strftime("%H:%M:%S" if seconds else "%H:%M")
    if not seconds and _twice(then, zone):
        told += f" {zone_name(at_us, zone)}"
    if then.date() == today.date():
        return told
    year = "" if then.year == today.year else f" {then.year}"
    return f"{then.day} {then:%b}{year} {told}"


def zone_name(at_us: int, zone: tzinfo | None) -> str:
    """``JST``, ``UTC``, ``+03``."""
    return local(at_us, zone).tzname() or ""


def _twice(then: datetime, zone: tzinfo | None) -> bool:
    """Whether the clocks show this time a second time, having been set back."""
    wall = then.replace(tzinfo=zone)  # the machine's zone, where it is None
    return wall.replace(fold=0).timestamp() != wall.replace(fold=1).timestamp()

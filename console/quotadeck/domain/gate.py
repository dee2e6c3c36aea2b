"""A bucket that let a request not pass, as it stood then."""

from typing import NamedTuple


class Gate(NamedTuple):
    """A bucket that refused a request: its limit, what was asked of it, and its level then.

    ``limit`` is as people set it: a minute's requests or tokens, slots, nano-dollars. ``asked`` and
    ``level`` are in the bucket's unit: micro-units, slots, nano-dollars.
    """

    bucket: str
    limit: int
    asked: int
    level: int

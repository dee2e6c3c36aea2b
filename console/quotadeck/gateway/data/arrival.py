"""When a request came, and by what name it is known."""

from typing import NamedTuple


class Arrival(NamedTuple):
    """A request's id, the instant it came, on both clocks, and the caller's own name for it.

    ``at_us`` is UTC, ``at_ns`` monotonic.
    """

    id: str
    at_us: int
    at_ns: int
    client_request_id: str = ""

"""How a thread waits for an acquire: asleep in the line until it is woken."""

from queue import Empty, SimpleQueue
from threading import TIMEOUT_MAX

from quotadeck.client.core import Core
from quotadeck.client.reservation import Reservation
from quotadeck.client.want import Want


def wait_for(core: Core, want: Want) -> Reservation:
    """Let this thread wait until it may go. Raises what an acquire does."""
    found = core.admit(want)
    if found is not None:
        return found
    # Of all that wakes a thread, this one may be told in the middle of a collection.
    calls: SimpleQueue[None] = SimpleQueue()
    waiter = core.join(want, lambda: calls.put(None))
    try:
        while True:
            answer = core.claim(waiter)
            if isinstance(answer, Reservation):
                return answer
            try:
                calls.get(timeout=min(answer, TIMEOUT_MAX))
            except Empty:
                continue
    finally:
        core.leave(waiter)

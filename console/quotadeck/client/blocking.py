"""How a thread waits for an acquire: asleep in the line until it is woken."""

import sys
import warnings
from queue import Empty, SimpleQueue
from threading import TIMEOUT_MAX
from typing import Final

from quotadeck.client.core import Core
from quotadeck.client.reservation import Reservation
from quotadeck.client.want import Want

_IN_A_LOOP: Final = (
    "a SyncQuotaManager waits in the thread of an event loop, which stands still meanwhile: "
    "use QuotaManager there (manager.for_asyncio() has the same state)"
)


def wait_for(core: Core, want: Want) -> Reservation:
    """Let this thread wait until it may go. Raises what an acquire does."""
    found = core.admit(want)
    if found is not None:
        return found
    _warn_in_a_loop()
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


def _warn_in_a_loop() -> None:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    warnings.warn(_IN_A_LOOP, RuntimeWarning, stacklevel=4)

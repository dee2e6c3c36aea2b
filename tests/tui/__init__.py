"""The screens, without a terminal.

textual's pilot waits after each key, twice, for 20 ms in which the process did next to nothing: the
hundreds of screens' tests waited nine tenths of their time. What takes longer than these few ms is
waited for by what it shows.
"""

from typing import Final

from textual import _wait

STILL_S: Final = 0.004

_wait.SLEEP_GRANULARITY = STILL_S
_wait.SLEEP_IDLE = STILL_S / 2

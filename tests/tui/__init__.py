"""The screens, without a terminal.

textual's pilot waits after each key, twice, for 20 ms in which the process did next to nothing: the
hundreds of screens' tests waited nine tenths of their time. What takes longer than these few ms is
waited for by what it shows.

Nor do they wait for what the console leaves to its operator: a tenth of a second to look at the
first picture, and most of one between two drawings. On a terminal it keeps to both. Some drawings
a second are let be: each asks anew for what is new, and what was asked is counted.
"""

from typing import Final

from textual import _wait

from quotadeck.tui import app

STILL_S: Final = 0.004

_wait.SLEEP_GRANULARITY = STILL_S
_wait.SLEEP_IDLE = STILL_S / 2
app._FIRST_LOOK_S = 0.0  # type: ignore[misc]
app._ALONGSIDE = 0.25  # type: ignore[misc]

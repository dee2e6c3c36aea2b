"""Faults on demand, for whoever must be shown to survive them.

A fault answers instead of the model (answers.py), lies about usage (usage.py) or bends the
bytes on the wire (wire.py). Each of the three is a table: a new fault is a function and a row.
Which calls meet which fault is the board's business (board.py).
"""

from quotadeck.sim.faults.answers import ANSWERS
from quotadeck.sim.faults.board import HEADER, KINDS, USER, Board, Fault
from quotadeck.sim.faults.usage import USAGES
from quotadeck.sim.faults.wire import BENDS

__all__ = ["ANSWERS", "BENDS", "HEADER", "KINDS", "USAGES", "USER", "Board", "Fault"]

"""The console: the screen an operator works at. Importing the front door does not load textual."""

from quotadeck.tui.front import run_console
from quotadeck.tui.keys.bindings import keys_reference
from quotadeck.tui.themes import find_theme

__all__ = ["find_theme", "keys_reference", "run_console"]

"""The console: the screen an operator works at. Importing the front door does not load textual."""

from console.tui.actions import keys_reference
from console.tui.front import run_console
from console.tui.themes import find_theme

__all__ = ["find_theme", "keys_reference", "run_console"]

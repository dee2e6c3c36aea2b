"""The front door: everything heavy is loaded here, after the terminal's wishes are known."""

import gc
import os
import signal
import sys
from datetime import tzinfo

from quotadeck.clock import MachineClock
from quotadeck.domain.clock import Clock
from quotadeck.sources.base import Source
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.themes import find_theme
from quotadeck.words import say, text


def run_console(
    source: Source,
    *,
    read_only: bool = False,
    theme: str | None = None,
    clock: Clock | None = None,
    zone: tzinfo | None = None,
) -> int:
    """Run the screen until the operator leaves; the process's exit status.

    ``zone`` is the one in which times are shown; None is the machine's. Raises ThemeError before
    anything is drawn when ``theme`` is none.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):  # textual draws on standard error
        print(text("front.no_terminal"), file=sys.stderr)
        return 2
    if os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        print(text("front.no_cursor", term=os.environ["TERM"]), file=sys.stderr)
        return 2
    palette, failed = find_theme(theme, os.environ)
    # Textual reads these when it is imported: nothing on this screen is animated.
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    os.environ["TEXTUAL_SMOOTH_SCROLL"] = "0"
    gc.disable()  # while textual is imported it costs 40 ms and finds nothing; on at first paint
    try:
        from quotadeck.tui.app import Quotadeck

        app = Quotadeck(
            source,
            clock=clock or MachineClock(),
            theme=palette,
            keys=Keys(read_only=read_only),
            zone=zone,
            notes=tuple(
                say(bad.problem.within("theme.left_out", file=bad.path.name)) for bad in failed
            ),
        )
        app.run(mouse=False)
    finally:
        gc.enable()
        signal.alarm(0)  # the way out was found: what follows in this process has all its time
    return app.return_code or 0

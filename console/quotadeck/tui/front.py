"""The front door: everything heavy is loaded here, after the terminal's wishes are known."""

import gc
import os
import signal
import sys
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from quotadeck.clock import MachineClock
from quotadeck.domain.clock import Clock
from quotadeck.domain.notice import notice
from quotadeck.sources.base import Source
from quotadeck.tui.ground import Heard, ask, told_light
from quotadeck.tui.keys.bindings import Keys, KeysWrong, bound
from quotadeck.tui.settings import Settings, read_settings
from quotadeck.tui.themes import ThemeError, find_theme
from quotadeck.words import say, text


def run_console(
    source: Source,
    *,
    read_only: bool = False,
    theme: str | None = None,
    clock: Clock | None = None,
    zone: tzinfo | None = None,
    settings: Path | None = None,
    hints: bool = False,
    past_us: int | None = None,
) -> int:
    """Run the screen until the operator leaves; the process's exit status.

    ``zone`` is the one in which times are shown, ``settings`` the file of what the operator chose;
    what is asked for here wins over that, and the machine's zone is shown where neither names one.
    ``hints`` teaches the keys in the first minute. ``past_us`` is what is shown first, where nobody
    answers.
    Raises ThemeError before anything is drawn when ``theme`` is none.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):  # textual draws on standard error
        print(text("front.no_terminal"), file=sys.stderr)
        return 2
    if os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        print(text("front.no_cursor", term=os.environ["TERM"]), file=sys.stderr)
        return 2
    chosen, problems = read_settings(settings) if settings else (Settings(), ())
    light = told_light(os.environ)
    if theme is not None:
        find_theme(theme, os.environ)  # what is wrong with it is said before anything is loaded
    elif chosen.theme is not None:
        try:
            find_theme(chosen.theme, os.environ)
            theme = chosen.theme
        except ThemeError as wrong:
            problems += (wrong.within("settings.theme"),)
    if zone is None and chosen.zone is not None:
        zone = ZoneInfo(chosen.zone)
    try:
        keys = bound(chosen.keys, read_only=read_only)
    except KeysWrong as wrong:
        keys, problems = (
            Keys(read_only=read_only),
            (*problems, notice("settings.keys", why=str(wrong))),
        )
    to_ask = theme is None and light is None
    asked = ask(sys.stdin.fileno(), sys.stderr.fileno(), os.environ) if to_ask else None
    # Textual reads these when it is imported: nothing on this screen is animated.
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    os.environ["TEXTUAL_SMOOTH_SCROLL"] = "0"
    # A frame waits for textual's tick: of 60 a second a key waits for 16 ms, of 120 for half.
    os.environ["TEXTUAL_FPS"] = "120"
    gc.disable()  # while textual is imported it costs 40 ms and finds nothing; on at first paint
    heard = Heard(light)
    try:
        try:
            from quotadeck.tui import terminal
            from quotadeck.tui.app import Quotadeck
            from quotadeck.tui.kit import glyphs
        finally:
            heard = asked.heard() if asked else heard
        terminal.begin_with(heard.typed, answer_due=not heard.over)
        glyphs.use(glyphs.glyphs_for(os.environ))
        palette, failed = find_theme(theme, os.environ, light=bool(heard.light))
        app = Quotadeck(
            source,
            clock=clock or MachineClock(),
            theme=palette,
            keys=keys,
            zone=zone,
            notes=tuple(
                say(problem)
                for problem in (
                    *problems,
                    *(bad.problem.within("theme.left_out", file=bad.path.name) for bad in failed),
                )
            ),
            settings=chosen,
            hints=hints,
            past_us=past_us,
        )
        app.run(mouse=False)
    finally:
        gc.enable()
        signal.alarm(0)  # the way out was found: what follows in this process has all its time
    return app.return_code or 0

"""``quotadeck`` without a command: the console on the local gateway."""

import sys
from datetime import tzinfo
from pathlib import Path

from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.reach import locate
from quotadeck.sources import Source, SourceGone, open_source
from quotadeck.sources.gateway.recorded import RecordedGateway, last_written_us
from quotadeck.wire.paths import console_file, state_of
from quotadeck.words import say


def open_console(
    socket: Path | None, *, read_only: bool, theme: str | None, zone: tzinfo | None
) -> int:
    """Open the screen on the socket, or stop with UNREACHABLE where nobody answers.

    A gateway that dies later is survived by the screen; of one that is dead already the past is
    shown, where its ledger is here. One that was never there is a mistake in the address, better
    said in a line that stays on the terminal.
    """
    found = locate(socket)
    state = state_of(found.path)
    source = RecordedGateway(found.path, state) if state else open_source("gateway", found.path)
    past_us = None
    try:
        source.ask_ahead()
    except SourceGone as gone:
        past_us = last_written_us(state) if state and sys.stdin.isatty() else None
        if past_us is None:
            raise Stop(Exit.UNREACHABLE, say(gone.within("reach.gone", found=found.why))) from None
    return show(source, read_only=read_only, theme=theme, zone=zone, past_us=past_us)


def show(
    source: Source,
    *,
    read_only: bool,
    theme: str | None,
    zone: tzinfo | None = None,
    hints: bool = False,
    past_us: int | None = None,
) -> int:
    """Run the console on a source; its own errors about themes become words here."""
    from quotadeck.tui import run_console
    from quotadeck.tui.themes import ThemeError

    try:
        return run_console(
            source,
            read_only=read_only,
            theme=theme,
            zone=zone,
            settings=console_file(),
            hints=hints,
            past_us=past_us,
        )
    except ThemeError as wrong:
        raise Stop(Exit.USAGE, say(wrong.told)) from None

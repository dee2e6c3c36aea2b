"""``quotadeck`` without a command: the console on the local gateway."""

from datetime import tzinfo
from pathlib import Path

from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.reach import locate
from quotadeck.sources import Source, SourceGone, open_source
from quotadeck.wire.paths import console_file
from quotadeck.words import say


def open_console(
    socket: Path | None, *, read_only: bool, theme: str | None, zone: tzinfo | None
) -> int:
    """Open the screen on the socket, or stop with UNREACHABLE where nobody answers.

    A gateway that dies later is survived by the screen; one that was never there is a mistake in
    the address, better said in a line that stays on the terminal.
    """
    found = locate(socket)
    source = open_source("gateway", found.path)
    try:
        source.ask_ahead()
    except SourceGone as gone:
        raise Stop(Exit.UNREACHABLE, say(gone.within("reach.gone", found=found.why))) from None
    return show(source, read_only=read_only, theme=theme, zone=zone)


def show(
    source: Source,
    *,
    read_only: bool,
    theme: str | None,
    zone: tzinfo | None = None,
    hints: bool = False,
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
        )
    except ThemeError as wrong:
        raise Stop(Exit.USAGE, say(wrong.told)) from None

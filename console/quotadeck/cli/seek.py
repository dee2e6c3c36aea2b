"""What is looked for in what was recorded: times and cursors, and how far a search looked."""

from collections.abc import Callable
from typing import Any

import click

from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.show import clock, note, now_us
from quotadeck.domain.ago import ago_us
from quotadeck.domain.notice import notice
from quotadeck.domain.pages import CallsPage, EventsPage
from quotadeck.domain.typed import TypedWrong
from quotadeck.words import say as worded
from quotadeck.words import text


def time_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--since``, ``--until``, ``--before`` and ``--after``."""
    for name, metavar in (("after", "CURSOR"), ("before", "CURSOR"), ("until", "TIME")):
        kind = "help.until_when" if name == "until" else f"help.{name}"
        command = click.option(f"--{name}", metavar=metavar, default="", help=text(kind))(command)
    return click.option("--since", metavar="TIME", default="", help=text("help.since"))(command)


def sought(*, since: str, until: str, before: str, after: str) -> dict[str, Any]:
    """Those that were given, as the questions take them. Stop with USAGE for what is no time."""
    if before and after:
        raise Stop(Exit.USAGE, text("listing.both_ways"))
    given: dict[str, Any] = {}
    for option, typed in (("since", since), ("until", until)):
        if typed:
            given[f"{option}_us"] = _instant(f"--{option}", typed)
    if before or after:
        given["before" if before else "after"] = before or after
    return given


def _instant(option: str, typed: str) -> int:
    try:
        return ago_us(typed, now_us())
    except TypedWrong as wrong:
        raise Stop(Exit.USAGE, worded(wrong.within("typed.wrong", option=option))) from None


def tell_further(page: CallsPage | EventsPage, last: int, *, after: bool) -> None:
    """Where there is more than was shown: how far it was looked, and the cursor to go on from."""
    if not page.more:
        return
    cursor = page.next_cursor if after else page.before_cursor or ""
    looked_us = page.looked_us if isinstance(page, CallsPage) else None
    if len(page.rows) < last and looked_us is not None:
        kind = "listing.looked_on" if after else "listing.looked"
        told = notice(kind, looked_us=looked_us, found=len(page.rows), cursor=cursor)
        note(worded(told, clock))
    else:
        note(text("listing.later" if after else "listing.further", cursor=cursor))

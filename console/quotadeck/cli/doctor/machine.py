"""Checks of the machine: SQLite's version, free disk, the terminal."""

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from quotadeck.cli.doctor.finding import Finding, fail, ok, warn
from quotadeck.domain.text import clean
from quotadeck.words import text

FREE_WARN_BYTES = 2 * 1024**3
FREE_FAIL_BYTES = 128 * 1024**2
"""The ballast is 16 MB, a journal segment some more: under this the next hour is not safe."""
FIXED = (3, 51, 3)
FIXED_BACKPORTS = ((3, 44, 6), (3, 50, 7))
COLUMNS, LINES = 80, 24


def sqlite(version: str = sqlite3.sqlite_version) -> Finding:
    """SQLite before 3.51.3 can lose commits when two connections write or checkpoint a WAL."""
    number = tuple(int(part) for part in version.split("."))
    if number >= FIXED or number in FIXED_BACKPORTS:
        return ok("sqlite", version)
    return warn(
        "sqlite",
        text("doctor.sqlite", version=version),
        text("doctor.sqlite.todo"),
    )


def disk(state: Path) -> Finding:
    """Room for the journal and the ledger, on the state directory's file system."""
    place = next((p for p in (state, *state.parents) if os.access(p, os.F_OK)), Path("/"))
    use = shutil.disk_usage(place)
    share = 100 * use.free // use.total if use.total else 0
    free = f"{use.free / 1024**3:.1f}"
    found = text("doctor.disk", free_gb=free, share_percent=share, path=clean(str(place)))
    todo = text("doctor.disk.todo")
    if use.free < FREE_FAIL_BYTES:
        return fail("disk", found, todo)
    return warn("disk", found, todo) if use.free < FREE_WARN_BYTES else ok("disk", found)


def terminal(out: TextIO, env: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Whether the console can be drawn here."""
    if not out.isatty():
        yield ok("terminal", text("doctor.no_terminal"))
        return
    term = env.get("TERM", "")
    if term in ("", "dumb"):
        found = text("doctor.term", term=term) if term else text("doctor.no_term")
        yield fail("terminal", found, text("doctor.term.todo"))
        return
    size = os.get_terminal_size(out.fileno())
    shape = f"{clean(term, 40)}, {size.columns}×{size.lines}, {_colours(term, env)}"
    if size.columns < COLUMNS or size.lines < LINES:
        yield warn("terminal", shape, text("doctor.small.todo", columns=COLUMNS, lines=LINES))
    else:
        yield ok("terminal", shape)
    coding = (out.encoding or "").lower().replace("-", "")
    if coding != "utf8":
        found = text("doctor.coding", coding=coding) if coding else text("doctor.no_coding")
        yield warn("encoding", found, text("doctor.coding.todo"))


def _colours(term: str, env: Mapping[str, str]) -> str:
    if env.get("NO_COLOR"):
        return "no colours (NO_COLOR)"
    if env.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "16 million colours"
    return "256 colours" if "256color" in term else "16 colours"

"""What the gateway does when it is told to end: drain at the first signal, cut at the second."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Iterator

LOG = logging.getLogger(__name__)


class Told:
    """``stop`` is set when the gateway is to drain, ``cut`` when it is to drain no longer."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.cut = asyncio.Event()
        self.why = ""
        """What told it to end, first of all."""

    def end(self, why: str) -> None:
        """A signal to end, the first or the second one."""
        self.why = self.why or why
        (self.cut if self.stop.is_set() else self.stop).set()


@contextlib.contextmanager
def hangups(told: Told) -> Iterator[None]:
    """Take SIGHUP, from the start on: it would kill at once."""
    loop = asyncio.get_running_loop()
    terminals = [number for number in (0, 1, 2) if os.isatty(number)]

    def hung_up() -> None:
        if _attended(terminals):
            LOG.info("SIGHUP: the terminal is gone; draining as for SIGTERM")
            _let_go(terminals)
            # Never cuts: the shell that dies with its terminal passes on what the system sent too.
            told.why = told.why or "SIGHUP"
            told.stop.set()
        else:
            LOG.info("SIGHUP: ignored; the config is read at a start, so restart to change it")

    loop.add_signal_handler(signal.SIGHUP, hung_up)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


@contextlib.contextmanager
def endings(told: Told, *, exit_with_parent: bool) -> Iterator[None]:
    """Take SIGTERM and SIGINT and, if asked, the parent's end, which cuts."""
    loop = asyncio.get_running_loop()

    def parent_said() -> None:
        if not os.read(0, 4_096):
            loop.remove_reader(0)
            told.why = told.why or "parent"
            told.stop.set()
            told.cut.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.end, number.name)
    if exit_with_parent:
        loop.add_reader(0, parent_said)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        if exit_with_parent:
            loop.remove_reader(0)


def _attended(terminals: list[int]) -> bool:
    """Whether somebody runs us at a terminal, whose end SIGHUP then means.

    A service's SIGHUP means something else ("reload", after logs were rotated). The terminal is
    one that we read from or write our log to; a controlling terminal alone is not enough, since a
    gateway put into the background with all its files elsewhere is meant to outlive it.
    """
    return 0 in terminals or 2 in terminals


def _let_go(terminals: list[int]) -> None:
    """Write to nowhere what would be written to the terminal: an error at the end, else."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in terminals:
        os.dup2(nowhere, number)
    os.close(nowhere)

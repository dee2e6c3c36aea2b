"""From `logging`'s records to lines: every logger of the process ends here."""

import logging
import os
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from quotadeck.domain.notice import Notice, notice
from quotadeck.gateway.log.line import Line, Write, as_json, as_text, for_journal
from quotadeck.gateway.log.sink import Sink
from quotadeck.wire.config import LogConfig
from quotadeck.words import say

OURS: Final = "quotadeck"
ACCESS: Final = "quotadeck.access"
LAST_WORDS_S: Final = 1.0
"""So long the end waits for who reads the log."""
_STDERR: Final = 2
_FRAMES: Final = 40
_OWN: Final = "log."
"""Before the kinds that are told nowhere else."""


class LogHandler(logging.Handler):
    """Makes lines of records and hands them on.

    What others' loggers say is cut to its first line, and of an error its kind and its way are
    told and not its words: either might quote a prompt.
    """

    def __init__(self, sink: Sink, write: Write) -> None:
        super().__init__()
        self._sink = sink
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._sink.put(self._write(line_of(record)))
        except Exception:  # noqa: BLE001 -- who logs must never fail by it
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- its name in logging
        """Say that there was something to say."""
        facts = {"logger": record.name}
        line = Line(_at_us(record), record.levelno, "log.unwritable", "", facts)
        self._sink.put(self._write(line))


def line_of(record: logging.LogRecord) -> Line:
    """``told`` of a record is its `Notice`, ``facts`` what belongs to it beside that."""
    told, facts = getattr(record, "told", None), dict(getattr(record, "facts", {}))
    event = getattr(record, "event", "log")
    ours = record.name.split(".")[0] == OURS
    text = record.getMessage() if ours else record.getMessage().partition("\n")[0]
    if isinstance(told, Notice):
        event, facts = told.kind.removeprefix(_OWN), {**told.facts, **facts}
    elif event == "log":
        facts["logger"] = record.name
    if record.exc_info and (error := record.exc_info[1]):
        facts |= _of_error(error)
    return Line(_at_us(record), record.levelno, event, text, facts)


def _at_us(record: logging.LogRecord) -> int:
    return int(record.created * 1_000) * 1_000


def _of_error(error: BaseException) -> Mapping[str, Any]:
    facts: dict[str, Any] = {"error": _name_of(error)}
    if isinstance(error, OSError) and error.strerror:
        facts["why"] = error.strerror
    if error.__cause__:
        facts["caused_by"] = _name_of(error.__cause__)
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    facts["trace"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return facts


def _name_of(error: BaseException) -> str:
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


@contextmanager
def logged(wish: LogConfig, fd: int = _STDERR) -> Iterator[None]:
    """Every logger writes to ``fd`` meanwhile, as the config wishes."""
    write = _writer(wish, fd)

    def dropped(count: int) -> bytes:
        told = notice("log.dropped", count=count)
        record = logging.LogRecord(OURS, logging.WARNING, "", 0, say(told), None, None)
        record.__dict__["told"] = told
        return write(line_of(record))

    sink = Sink(fd, dropped)
    handler = LogHandler(sink, write)
    level = logging.getLevelNamesMapping()[wish.level.upper()]
    levels = {"": max(level, logging.WARNING), OURS: level}
    # By its own switch, whatever the level of the rest.
    levels[ACCESS] = logging.INFO if wish.access else logging.CRITICAL
    before = {name: logging.getLogger(name).level for name in levels}
    logging.getLogger().addHandler(handler)
    for name, least in levels.items():
        logging.getLogger(name).setLevel(least)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        for name, least in before.items():
            logging.getLogger(name).setLevel(least)
        sink.close(LAST_WORDS_S)


def _writer(wish: LogConfig, fd: int) -> Write:
    if wish.format == "text" or (wish.format == "auto" and os.isatty(fd)):
        return as_text
    return for_journal if _is_journal(fd) else as_json


def _is_journal(fd: int) -> bool:
    """Whether systemd's journal reads it: its name for the stream is in the environment."""
    try:
        there = os.fstat(fd)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"


def log(level: int, told: Notice, **facts: Any) -> None:
    """Log a notice; ``facts`` are what belongs to it beside its own."""
    if _LOG.isEnabledFor(level):
        _LOG.log(level, "%s", say(told), extra={"told": told, "facts": facts})


def of_request(identity: str) -> Mapping[str, Any]:
    """``extra`` of a record that tells of a fault of ours in this request."""
    return {"event": "fault", "facts": {"request_id": identity}}


_LOG: Final = logging.getLogger(f"{OURS}.gateway")

"""The upstream's own record of what it billed: a JSON line a call, appended whole.

It is the other side of every reconciliation, so a line is on file before the last byte of its
reply leaves: whatever a client has in full can be found here, even after a kill -9.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class Line:
    """One call that was billed."""

    id: str
    """Of the response, as the client sees it."""
    request_id: str | None
    """The X-Request-Id that came with the request."""
    model: str
    status: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    cost_nano_usd: int
    stream: bool
    at_us: int
    """When it was written, in Unix microseconds."""
    delivered: bool
    """False where the client, or a fault, cut the reply short; what was generated is billed."""
    form: str
    cache_write_tokens: int
    """Among the prompt's, as the cached are."""
    cache_write_1h_tokens: int
    reasoning_tokens: int
    web_searches: int
    tier: str
    """Its words, joined by plus signs."""
    caller: str
    """The X-Client-Request-Id that came with the request, or empty."""


class CallLog:
    """An append-only file, or nothing where none was asked for."""

    def __init__(self, path: Path | None) -> None:
        self._fd: int | None = None
        self.size_at_start = 0
        if path is not None:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self.size_at_start = os.fstat(self._fd).st_size

    def write(self, line: Line) -> None:
        """Append a line in one write, so that lines of two processes never mix."""
        if self._fd is not None:
            os.write(self._fd, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Close the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

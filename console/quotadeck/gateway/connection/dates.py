"""The Date of an answer, which a server with a clock must tell (RFC 9110, 6.6.1)."""

import time
from email.utils import formatdate
from functools import lru_cache


def date_line() -> bytes:
    """The header's line, of now."""
    return _line(int(time.time()))


@lru_cache(maxsize=2)
def _line(second: int) -> bytes:
    return b"date: %b\r\n" % formatdate(second, usegmt=True).encode()

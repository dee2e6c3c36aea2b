"""Notices as people read them, for tests that promise what is said."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from quotadeck.domain.notice import Notice, NoticeError
from quotadeck.words import say


def said(notices: Iterable[Notice]) -> tuple[str, ...]:
    """Each in words."""
    return tuple(map(say, notices))


@contextmanager
def refuses(
    kind: type[NoticeError], match: str = ""
) -> Iterator[pytest.ExceptionInfo[NoticeError]]:
    """As `pytest.raises`: what is matched are the words of the error's notice."""
    with pytest.raises(kind) as caught:
        yield caught
    words = say(caught.value.told)
    assert re.search(match, words), words

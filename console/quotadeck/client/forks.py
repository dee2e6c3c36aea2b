"""A manager refuses to work in a fork: neither process would see what the other one admits."""

import os
import weakref
from typing import Any, Final, NoReturn, Protocol

from quotadeck.client.errors import WrongProcess


class Locked(Protocol):
    """A state whose every use goes through its lock."""

    lock: Any


class _Elsewhere:
    """Stands for the lock in a forked process, where another thread may have held the real one.
    Entering or acquiring it raises WrongProcess."""

    def __init__(self, made_in: int) -> None:
        self._made_in = made_in

    def acquire(self, timeout: float = -1) -> NoReturn:  # noqa: ARG002
        raise WrongProcess(self._made_in, os.getpid())

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        pass


_KNOWN: Final["weakref.WeakKeyDictionary[Locked, int]"] = weakref.WeakKeyDictionary()
"""The process in which each state was made."""


def watch(one: Locked) -> None:
    """Let it be used in no process that is forked from this one."""
    _KNOWN[one] = os.getpid()


def _forked() -> None:
    for one, made_in in tuple(_KNOWN.items()):
        one.lock = _Elsewhere(made_in)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)

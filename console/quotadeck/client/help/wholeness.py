"""Whether a reply, or a stream's events, are a whole answer: only such a one may be cached.

Replies are dicts or any SDK's objects, of chat completions, Messages, Responses or embeddings.
"""

from collections.abc import Mapping
from typing import Any, Final

_DONE: Final = ("completed", "incomplete")
"""A response that ended, by itself or at its most tokens; one that is queued, runs or failed did
not."""
_LAST_EVENTS: Final = ("message_stop", "response.completed", "response.incomplete")


def member(holder: Any, name: str) -> Any:
    """A member of a dict, or an attribute of an object; None where there is none."""
    if isinstance(holder, Mapping):
        return holder.get(name)
    return getattr(holder, name, None)


def is_whole(reply: Any) -> bool:
    """Whether the reply is an answer that has ended, and is no error."""
    if reply is None or member(reply, "error"):
        return False
    choices = member(reply, "choices")
    if isinstance(choices, list):
        return bool(choices) and all(member(one, "finish_reason") for one in choices)
    if member(reply, "object") == "response":
        return member(reply, "status") in _DONE
    if member(reply, "type") == "message":
        return bool(member(reply, "stop_reason"))
    return True


class Ending:
    """Whether the events that came are all of a stream: each choice that began has ended, or the
    last event came, and no error."""

    __slots__ = ("_begun", "_done", "_ended", "_failed")

    def __init__(self) -> None:
        self._begun, self._ended = set[Any](), set[Any]()
        self._done = self._failed = False

    def see(self, event: Any) -> None:
        if member(event, "error") and not self._done:
            self._failed = True
        if member(event, "type") in _LAST_EVENTS:
            self._done = True
        for choice in member(event, "choices") or ():
            self._begun.add(member(choice, "index"))
            if member(choice, "finish_reason"):
                self._ended.add(member(choice, "index"))

    @property
    def is_whole(self) -> bool:
        choices = bool(self._begun) and self._begun == self._ended
        return (self._done or choices) and not self._failed


def is_stream(value: Any) -> bool:
    """Whether it can be iterated only once, as the SDKs' streams."""
    if isinstance(value, Mapping | str | bytes | list | tuple | set | frozenset):
        return False
    if hasattr(value, "model_dump"):
        return False
    return any(hasattr(value, name) for name in ("__next__", "__iter__", "__aiter__"))

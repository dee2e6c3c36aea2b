"""A stream of OpenAI's dialect on its way to the client, read in passing.

The relay passes whole events on as they come, learns the usage, and keeps the terminal event back:
the call's record must be written before the last byte leaves.
"""

from typing import Any, Final

from quotadeck.dialects.loose_json import loads
from quotadeck.dialects.openai.reply import MAX_RESPONSE_ID
from quotadeck.dialects.openai.request import MAX_CHOICES
from quotadeck.dialects.openai.usage import UsageReader, delivers
from quotadeck.dialects.relay import EventRelay, cost_line
from quotadeck.dialects.said import is_error, said
from quotadeck.domain.sse import read_block
from quotadeck.domain.text import clean
from quotadeck.domain.usage import Usage

_NO_USAGE_YET: Final = (b',"usage":null', b', "usage": null')


class OpenAIRelay(EventRelay):
    """Feed it what the upstream sends; it gives back what the client should get.

    ``deltas`` is the number of content events (about a token each). How it ended: ``done`` when
    the answer is whole, ``error`` the upstream's own error if it sent one in the stream, ``broken``
    why what it sends is no stream of ours.
    """

    __slots__ = ("_finished", "_include_usage", "_reader", "_unfinished")

    def __init__(self, *, include_usage: bool) -> None:
        super().__init__()
        self._include_usage = include_usage
        self._reader = UsageReader()
        self._unfinished: set[int] = set()
        self._finished = False

    @property
    def usage(self) -> Usage | None:
        """None where it is absent or cannot be believed."""
        return self._reader.usage(delivered=self.deltas > 0)

    def _whole(self) -> bool:
        """Whose every choice has given its reason to finish needs no terminal event."""
        return self._finished and not self._unfinished

    def terminal(self, cost_usd: str | None) -> bytes:
        """The end, when the record is written: the upstream's own lines, and the cost."""
        return cost_line(cost_usd) + self._terminal + b"data: [DONE]\n\n"

    def _pass(self, block: bytes) -> bytes:
        event = read_block(block)
        # Some keep the connection alive by data that is a comment's.
        if not event.data or event.data.startswith(b":"):
            return event.quiet
        if event.data.lstrip().startswith(b"[DONE]"):
            self.done = True
            self._terminal = event.named + event.quiet
            return b""
        try:
            parsed = loads(event.data)
        except ValueError:
            parsed = None
            if event.name != b"error":
                self.broken = "it sent an event that is not JSON"
                return b""
        if event.name == b"error" and not is_error(parsed):
            self.error = said(parsed or event.data.decode("utf-8", "replace"))
            return b""
        if isinstance(parsed, list) and is_error(parsed):
            self.error = said(parsed)
            return b""
        if isinstance(parsed, dict) and not self._learn(event.data, parsed):
            return event.quiet
        self.begun = True
        return self._told(block, parsed)

    def _told(self, block: bytes, parsed: Any) -> bytes:  # noqa: ARG002
        """An event of the answer as the client gets it.

        An upstream that was asked for the usage promises it by a null in every event: who has not
        asked sees none of that. Inside a text the quotes were escaped.
        """
        if not self._include_usage and b'"usage"' in block:
            for null in _NO_USAGE_YET:
                block = block.replace(null, b"")
        return block + b"\n\n"

    def _learn(self, data: bytes, parsed: dict[str, Any]) -> bool:
        """Take what concerns us from an event; whether the client should see it too.

        A look at the bytes spares most events a search of what was parsed.
        """
        if not self.response_id and isinstance(parsed.get("id"), str):
            self.response_id = clean(parsed["id"], MAX_RESPONSE_ID)
        if b'_tokens"' in data or (b'"service_tier"' in data and not self._reader.served):
            self._reader.see(parsed)
        choices = parsed.get("choices")
        if not isinstance(choices, list):
            choices = []
        if not choices or b'"error"' in data:
            error = _error_of(parsed)
            if error is not None:
                self.error = said(error)
                return False
        if choices:
            self._follow(choices)
            return True
        return self._include_usage or not isinstance(parsed.get("usage"), dict)

    def _follow(self, choices: list[Any]) -> None:
        """Which choices are still being written."""
        said = False
        for choice in choices:
            if not isinstance(choice, dict):
                continue
            stated = choice.get("index")
            index = stated if isinstance(stated, int) and 0 <= stated < MAX_CHOICES else 0
            if delivers(choice.get("delta")) or choice.get("text"):
                said = True
                self._unfinished.add(index)
            if choice.get("finish_reason"):
                self._finished = True
                self._unfinished.discard(index)
        self.deltas += said


def _error_of(event: dict[str, Any]) -> Any:
    """The error in an event, whichever way it is told; None where there is none."""
    if is_error(event):
        return event
    choices = event.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if not isinstance(choice, dict):
            continue
        if choice.get("error"):
            return choice
        if choice.get("finish_reason") == "error":
            return event
    return None


def error_event(error_body: bytes, cost_usd: str | None) -> bytes:
    """An error in the middle of a stream: the SDKs raise on an ``error`` object in an event."""
    return cost_line(cost_usd) + b"data: " + error_body + b"\n\n"

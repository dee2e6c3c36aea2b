"""A stream of OpenAI's Responses on its way to the client, read in passing.

Whole events pass as they came, those that we do not know too; the last one is kept back: the call's
record must be written before it leaves.
Source: "Streaming events" of OpenAI's API reference.
"""

from typing import Any, Final

import orjson

from quotadeck.dialects.relay import JsonEventRelay, cost_line
from quotadeck.dialects.responses.reply import failure_of, id_of, made_by
from quotadeck.dialects.responses.usage import UsageReader, searches_in
from quotadeck.dialects.said import is_error, said
from quotadeck.domain.sse import SseEvent
from quotadeck.domain.usage import Usage

_DONE: Final = ("response.completed", "response.incomplete")
_FAILED: Final = ("response.failed", "error")
_DELTA: Final = ".delta"
_ITEM_DONE: Final = "response.output_item.done"


class ResponsesRelay(JsonEventRelay):
    """Feed it what the upstream sends; it gives back what the client should get. See `Relay`.

    There is no whole answer without its terminal event: that has all of it.
    """

    __slots__ = ("_reader", "_searches")

    def __init__(self) -> None:
        super().__init__()
        self._reader = UsageReader()
        self._searches = 0

    @property
    def usage(self) -> Usage | None:
        """None where it is absent or cannot be believed."""
        return self._reader.usage(delivered=self.deltas > 0, searches=self._searches)

    def _take(self, block: bytes, event: SseEvent, parsed: Any) -> bytes:
        if not isinstance(parsed, dict):
            self.error = said(parsed) if is_error(parsed) else None
            return b"" if self.error else block + b"\n\n"
        told = parsed.get("type")
        kind = told if isinstance(told, str) else ""
        response = parsed.get("response")
        if isinstance(response, dict):
            self._see(response)  # what has failed may be billed too
        if kind in _FAILED or event.name == b"error" or (not kind and is_error(parsed)):
            self.error = said(parsed if response is None else response)
            if self.error.kind == "error":  # the event's kind, and none of errors
                self.error = self.error._replace(kind="")
            return b""
        if isinstance(response, dict) and kind in _DONE:
            self.error = failure_of(response)
            if self.error is None:
                self._terminal, self.done = block, True
                self.made = made_by(response)
            return b""
        if kind.endswith(_DELTA):
            self.deltas += 1
        elif kind == _ITEM_DONE:
            self._searches += searches_in({"output": [parsed.get("item")]})
        self.begun = True
        return block + b"\n\n"

    def _see(self, response: dict[str, Any]) -> None:
        self._reader.see(response)
        self._searches = max(self._searches, searches_in(response))
        if not self.response_id:
            self.response_id = id_of(response)
            self.made = made_by(response)


def error_event(error_body: bytes, cost_usd: str | None) -> bytes:
    """An error in the middle of a stream, as its kind of event and as an ``error`` object.

    The official SDKs yield the one, and raise on the other.
    """
    told = orjson.loads(error_body)["error"]
    event = {
        "type": "error",
        "code": told.get("code"),
        "message": told.get("message"),
        "param": told.get("param"),
        "sequence_number": 0,
        "error": told,
    }
    return cost_line(cost_usd) + b"event: error\ndata: " + orjson.dumps(event) + b"\n\n"

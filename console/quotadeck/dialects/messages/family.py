"""What is the same at all of Anthropic's paths: heads, errors, rates, the listing of models."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from quotadeck.dialects import base
from quotadeck.dialects.messages.errors import error_event, refusal_reply
from quotadeck.dialects.messages.folding import to_stream, to_whole
from quotadeck.dialects.messages.models import model_list
from quotadeck.dialects.messages.rates import rate_lines
from quotadeck.dialects.messages.reply import read_error
from quotadeck.domain.refusals import RateLevel


def _now() -> datetime:
    return datetime.now(UTC)


class MessagesForm:
    """A path adds its way to parse and to reply. ``now`` is for the instants that heads name."""

    form = "messages"
    endpoints: Mapping[str, str]
    listing = ""
    known_by = b"anthropic-version"
    id_lines = b"x-request-id: %(id)b\r\nrequest-id: %(id)b\r\n"
    whole_head = b"content-type: application/json\r\n"
    stream_head = b"content-type: text/event-stream; charset=utf-8\r\n"

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        self._now = now

    def path(self, path: str) -> str:
        return self.endpoints[path]

    def models(self, owners: Mapping[str, str], since_s: int, wanted: str) -> bytes:
        return model_list(owners, since_s, wanted)

    def asks_with(self, key: str) -> tuple[tuple[bytes, bytes], ...]:
        content_type = b"content-type", b"application/json"
        return (content_type, (b"x-api-key", key.encode())) if key else (content_type,)

    def lines(self, ask: base.Ask) -> str:
        lines: str = ask.body.lines
        return lines

    def forward(self, ask: base.Ask, model: str, *, stream_usage: bool = True) -> bytes:  # noqa: ARG002 -- it is always told
        body: bytes = ask.body.request.to(model)
        return body

    def refusal(self, refusal: Exception, request_id: str = "") -> base.ErrorReply:
        status, head, body = refusal_reply(refusal, request_id)
        return base.ErrorReply(status, head + self.rates(getattr(refusal, "rates", ())), body)

    def error(self, body: bytes) -> base.UpstreamSaid:
        return read_error(body)

    def to_stream(self, body: bytes, ask: base.Ask) -> bytes:  # noqa: ARG002
        return to_stream(body)

    def to_whole(self, events: bytes) -> bytes:
        return to_whole(events)

    def error_event(self, refusal: Exception, cost_usd: str | None) -> bytes:
        return error_event(refusal, cost_usd)

    def rates(self, rates: Iterable[RateLevel]) -> bytes:
        return rate_lines(rates, self._now)

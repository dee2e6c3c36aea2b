"""Answers in the other form than was asked for: a whole reply to a stream, or the reverse."""

from typing import Final

from quotadeck.dialects.base import NotAnAnswer, Read, Relay
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data.flight import Flight

_BOM: Final = b"\xef\xbb\xbf"
_OF_EVENTS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")
_BYTES_A_TOKEN: Final = 4


def is_whole(begin: bytes) -> bool:
    """Whether what begins so is JSON: no line of an event does."""
    return begin.removeprefix(_BOM).lstrip()[:1] in (b"{", b"[")


def is_stream(body: bytes) -> bool:
    """Whether a whole body is events."""
    return body[:64].removeprefix(_BOM).lstrip().startswith(_OF_EVENTS)


def estimated_of(flight: Flight, reply: bytes) -> Usage:
    """The usage of a whole reply that tells none that can be believed."""
    return flight.estimated(max(1, len(reply) // _BYTES_A_TOKEN))


def streamed(flight: Flight, body: bytes) -> tuple[Read, Relay]:
    """A whole reply for a client that asked for a stream. Raises NotAnAnswer.

    Its body are the events before the terminal one, which the relay has.
    """
    read = flight.stop.speech.reply(body)
    dialect = flight.lane.dialect
    relay = dialect.relay(flight.ask)
    events = relay.feed(dialect.to_stream(read.body, flight.ask))
    if not relay.done:
        raise NotAnAnswer("its reply cannot be told as a stream", usage=read.usage)
    return read._replace(usage=read.usage or estimated_of(flight, body), body=events), relay


def folded(flight: Flight, body: bytes) -> Read:
    """A stream for a client that asked for a whole reply. Raises NotAnAnswer."""
    relay = flight.stop.speech.relay(flight.ask)
    events = relay.feed(body) + relay.close()
    if relay.error is not None:
        why = "its reply is a stream that ends with an error"
        # What came of the answer until then is billed too.
        begun = flight.estimated(relay.deltas) if relay.begun else None
        raise NotAnAnswer(why, relay.error, relay.usage or begun)
    if not (relay.done and relay.begun):
        raise NotAnAnswer(relay.broken or "its stream ended early", usage=relay.usage)
    usage = relay.usage or flight.estimated(relay.deltas)
    whole = flight.lane.dialect.to_whole(events + relay.terminal(None))
    return Read(usage, relay.response_id, whole, relay.made)

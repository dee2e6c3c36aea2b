"""What a whole reply of OpenAI's Responses says of itself."""

from itertools import islice
from typing import Any, Final

from quotadeck.dialects.base import NotAnAnswer, Read, UpstreamSaid
from quotadeck.dialects.loose_json import loads
from quotadeck.dialects.responses.usage import UsageReader, items_of, searches_in
from quotadeck.dialects.said import is_error, said
from quotadeck.domain.text import clean
from quotadeck.domain.usage import Usage

MAX_ID: Final = 200
_MOST_ITEMS: Final = 256


def read_reply(body: bytes) -> Read:
    """The usage and id of a response. Raises NotAnAnswer where it is none, or has failed."""
    try:
        parsed = loads(body)
    except ValueError:
        raise NotAnAnswer("its reply is not JSON") from None
    usage = _usage_of(parsed) if isinstance(parsed, dict) else None
    if (error := failure_of(parsed)) is not None:
        raise NotAnAnswer("its reply is an error", error, usage)
    if not isinstance(parsed, dict) or not isinstance(parsed.get("output"), list):
        raise NotAnAnswer("its reply is not a response")
    return Read(usage, id_of(parsed), body, made_by(parsed))


def _usage_of(response: dict[str, Any]) -> Usage | None:
    reader = UsageReader()
    reader.see(response)
    delivered = any(True for _ in items_of(response))
    return reader.usage(delivered=delivered, searches=searches_in(response))


def refuse_failure(parsed: Any) -> None:
    """Raises NotAnAnswer for an error, or for a response that has failed."""
    if (error := failure_of(parsed)) is not None:
        raise NotAnAnswer("its reply is an error", error)


def failure_of(response: Any) -> UpstreamSaid | None:
    """The error of a response that has failed, or of what is none; None for an answer."""
    if not isinstance(response, dict):
        return said(response) if is_error(response) else None
    if response.get("status") == "failed":
        return said(response)
    if isinstance(response.get("output"), list) and not response.get("error"):
        return None
    return said(response) if is_error(response) else None


def id_of(response: dict[str, Any]) -> str:
    """Its id, cleaned; empty where it has none."""
    identity = response.get("id")
    return clean(identity, MAX_ID) if isinstance(identity, str) else ""


def made_by(response: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The response itself, the items of its output, and the conversation that it belongs to.

    Each may be named by a later request, and those of others may not.
    """
    made = [("response", id_of(response))]
    conversation = response.get("conversation")
    identity = conversation.get("id") if isinstance(conversation, dict) else conversation
    if isinstance(identity, str):
        made.append(("conversation", clean(identity, MAX_ID)))
    made += [("item", id_of(item)) for item in islice(items_of(response), _MOST_ITEMS)]
    return tuple((kind, name) for kind, name in made if name)

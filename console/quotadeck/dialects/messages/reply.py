"""What a whole reply of Anthropic's dialect says of itself, or its error."""

from collections.abc import Iterator
from typing import Any, Final

from quotadeck.dialects import said as errors
from quotadeck.dialects.base import NotAnAnswer, Read, UpstreamSaid
from quotadeck.dialects.loose_json import loads
from quotadeck.dialects.messages.usage import UsageReader
from quotadeck.domain.text import clean

MAX_ID: Final = 200
_DEPTH: Final = 3


def read_reply(body: bytes) -> Read:
    """The usage and id of a message. Raises NotAnAnswer where it is none."""
    try:
        parsed = loads(body)
    except ValueError:
        raise NotAnAnswer("its reply is not JSON") from None
    refuse_error(parsed)
    content = parsed.get("content") if isinstance(parsed, dict) else None
    if not isinstance(content, list):
        raise NotAnAnswer("its reply is not a message")
    reader = UsageReader()
    reader.see(parsed.get("usage"))
    usage = reader.usage(delivered=any(map(delivers, content)))
    made = tuple(dict.fromkeys((*made_by(parsed), *made_in(content))))
    return Read(usage, id_of(parsed), body, made)


def read_error(body: bytes) -> UpstreamSaid:
    """The error of a reply, whichever way it is told."""
    try:
        parsed = loads(body)
    except ValueError:
        return errors.read_error(body)
    return said(parsed)


def said(parsed: Any) -> UpstreamSaid:
    """An error, with the code that Anthropic's SDKs know it by."""
    told = errors.said(parsed)
    error = parsed.get("error") if isinstance(parsed, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    code = details.get("error_code") if isinstance(details, dict) else None
    return told._replace(code=code) if isinstance(code, str) and code else told


def refuse_error(parsed: Any) -> None:
    """Raises NotAnAnswer for an error that came as an answer."""
    if isinstance(parsed, dict) and isinstance(parsed.get("content"), list):
        return
    if errors.is_error(parsed):
        reader = UsageReader()
        reader.see(parsed.get("usage") if isinstance(parsed, dict) else None)
        raise NotAnAnswer("its reply is an error", said(parsed), reader.usage(delivered=False))


def id_of(message: Any) -> str:
    """Its id, cleaned; empty where it has none."""
    identity = message.get("id") if isinstance(message, dict) else None
    return clean(identity, MAX_ID) if isinstance(identity, str) else ""


def delivers(block: Any) -> bool:
    """Whether a block of content says anything."""
    if not isinstance(block, dict):
        return False
    return bool(block.get("text")) if block.get("type") == "text" else True


def made_by(place: Any) -> Iterator[tuple[str, str]]:
    """The container that code ran in, of a message or of what its end adds to it."""
    container = place.get("container") if isinstance(place, dict) else None
    identity = container.get("id") if isinstance(container, dict) else None
    if isinstance(identity, str) and identity:
        yield "container", clean(identity, MAX_ID)


def made_in(content: Any, depth: int = _DEPTH) -> Iterator[tuple[str, str]]:
    """The files that code wrote, of blocks of content with its results."""
    for block in content if isinstance(content, list) else [content]:
        if not isinstance(block, dict):
            continue
        identity = block.get("file_id")
        if isinstance(identity, str) and identity:
            yield "file", clean(identity, MAX_ID)
        if depth and isinstance(block.get("content"), list | dict):
            yield from made_in(block["content"], depth - 1)

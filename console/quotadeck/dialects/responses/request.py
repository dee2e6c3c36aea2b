"""A request of OpenAI's Responses, checked as far as admission depends on it.

What we do not act upon goes to the upstream as it came; it knows its own parameters best.
Source: the "Create a model response" page of OpenAI's API reference.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from quotadeck.dialects.base import NOTHING_BEYOND, Ask, Beyond
from quotadeck.dialects.beyond import at_most, beyond_of, joined
from quotadeck.dialects.counting import asks_for_count
from quotadeck.dialects.fields import (
    flag,
    kind_of,
    model_of,
    most_tokens,
    read_object,
    retries,
)
from quotadeck.dialects.media import MEDIA_TOKENS, media_in
from quotadeck.dialects.raw_json import RawRequest, raw_request
from quotadeck.domain.refusals import BadField

_BYTES_OF_TEMPLATE: Final = 64
_BYTES_OF_TOOL_TEMPLATE: Final = 1_024
_TEMPLATED: Final = ("tools", "text")
_MEDIA_ITEMS: Final = ("image_generation_call", "input_image", "input_file", "input_audio")
"""Items that are a medium themselves, where others hold some."""
_PROMPT: Final = "prompt"
_REFERENCE: Final = "item_reference"
_SHOWN_CHARS: Final = 200


class Asked(NamedTuple):
    """What of a request only this dialect knows."""

    request: RawRequest


def parse_response(body: bytes, retry_count: bytes = b"") -> Ask:
    """Check a body. Raises NotJson or BadField."""
    fields = read_object(body, "input")
    model = model_of(fields)
    media, media_bytes = _check_input(fields)
    sent: dict[str, Any] = {}
    most = most_tokens(fields, "max_output_tokens", sent)
    text_bytes, media_tokens = len(body) - media_bytes, media * MEDIA_TOKENS
    templated = any(map(fields.get, _TEMPLATED))
    template = _BYTES_OF_TOOL_TEMPLATE if templated else _BYTES_OF_TEMPLATE
    return Ask(
        model,
        flag(fields, "stream"),
        most,
        1,
        text_bytes,
        media,
        media_tokens,
        text_bytes + template + media_tokens,
        costs_more=False,
        retry=retries(retry_count),
        body=Asked(raw_request(body, fields, sent)),
        beyond=_beyond(fields),
    )


def parse_input_tokens(body: bytes, retry_count: bytes = b"") -> Ask:
    """Check a request for a count, which uses nothing. Raises NotJson or BadField."""
    fields = read_object(body, "input")
    model = model_of(fields)
    _check_input(fields)
    asked = Asked(raw_request(body, fields))
    return asks_for_count(model, retries(retry_count), asked, _beyond(fields))


def _check_input(fields: dict[str, Any]) -> tuple[int, int]:
    """How many media the input holds, and how many bytes of the body they are."""
    given = fields.get("input")
    if given is None or isinstance(given, str):
        return 0, 0  # it may all be in a stored prompt or an earlier response
    if not isinstance(given, list):
        raise BadField("input", f"must be a string or a list of items, not {kind_of(given)}")
    media = media_bytes = 0
    for index, item in enumerate(given):
        if not isinstance(item, dict):
            raise BadField(f"input[{index}]", f"must be an object, not {kind_of(item)}")
        itself = [item] if item.get("type") in _MEDIA_ITEMS else None
        output = item.get("output")
        # The picture of a computer's screen is no list of parts, but the one part.
        shown = [output] if isinstance(output, dict) else output
        for parts in (itself, item.get("content"), shown):
            more, bytes_more = media_in(parts)
            media, media_bytes = media + more, media_bytes + bytes_more
    return media, media_bytes


def _beyond(fields: Mapping[str, Any]) -> Beyond:
    given = fields.get("input")
    items = given if isinstance(given, list) else None
    found = beyond_of(fields, items, "input")
    more = at_most(_tools_of(items or ()), "input")
    stored = [*_stored(fields), *at_most(_references(items or ()), "input")]
    if not more and not stored:
        return found
    kept = tuple(f"{where} (stored_context)" for where, _, _ in stored)
    refers = tuple((kind, identity) for _, kind, identity in stored if identity)
    return joined([found, *more, Beyond(kept, (), refers)])


def _tools_of(items: Iterable[dict[str, Any]]) -> Iterator[Beyond]:
    """What items' own tools ask for: they are run as those of the request."""
    for index, item in enumerate(items):
        asked = beyond_of({"tools": item["tools"]}) if item.get("tools") else NOTHING_BEYOND
        if asked is not NOTHING_BEYOND:
            named = tuple(f"input[{index}].{one}" for one in asked.unbounded)
            yield asked._replace(unbounded=named)


def _stored(fields: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """A prompt that the provider keeps: where it stands, what it is, its id."""
    prompt = fields.get(_PROMPT)
    if prompt:
        identity = prompt.get("id") if isinstance(prompt, dict) else None
        yield _PROMPT, _PROMPT, identity[:_SHOWN_CHARS] if isinstance(identity, str) else ""


def _references(items: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Items that the provider keeps of earlier responses, also those that name no type."""
    for index, item in enumerate(items):
        named = item.get("type") == _REFERENCE or not ("type" in item or "role" in item)
        identity = item.get("id")
        if named and isinstance(identity, str) and identity:
            yield f"input[{index}]", "item", identity[:_SHOWN_CHARS]

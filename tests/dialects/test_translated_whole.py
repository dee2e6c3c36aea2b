"""What a client says, a translation says too, or refuses it by its name: nothing is left out."""

from collections.abc import Iterator
from typing import Any, Final

import orjson
import pytest
from anthropic.types import message_create_params as messages
from openai.types.chat import completion_create_params as chat
from openai.types.responses import response_create_params as responses

from quotadeck.domain.refusals import BadField
from tests.dialects.forms import FORMS, WAYS, Way
from tests.dialects.typed import MARK, marks, members, values
from tests.dialects.whole_requests import WHOLE_REQUESTS

TYPES: Final[dict[str, Any]] = {
    "chat": chat.CompletionCreateParamsNonStreaming,
    "messages": messages.MessageCreateParamsNonStreaming,
    "responses": responses.ResponseCreateParamsNonStreaming,
}
HINTS: Final = {
    "chat": ("model", "prompt_cache_key", "json_schema.name", "json_schema.strict"),
    "messages": ("model", "cache_control", "cache_control.type", "signature"),
    "responses": (
        *("model", "store", "prompt_cache_key", "safety_identifier", "truncation"),
        *("reasoning.summary", "summary", "encrypted_content", "].id", "].status"),
    ),
}
"""What is no word of a conversation, and changes none of the answer: how its name ends."""
SAID_TWICE: Final = {"chat": ("reasoning_content",), "messages": (), "responses": ()}
"""What is said by another member, too."""
each = pytest.mark.parametrize("way", [way for way in WAYS if way.asked != way.spoken], ids=str)


def lost(way: Way, body: dict[str, Any]) -> set[str]:
    """The marked texts that are not in what is forwarded."""
    ask = way.dialect.parse(FORMS[way.asked].path, orjson.dumps(body), {})
    sent = way.speech.forward(ask, "there").decode()
    return {mark for mark in marks(body) if mark not in sent}


@each
def test_whatever_the_sdk_can_say_is_said_or_refused_by_name(way: Way) -> None:
    said, named = 0, set[bool]()
    for name, of in members(TYPES[way.asked]).items():
        for value in values(of, name):
            try:
                missing = lost(way, {**FORMS[way.asked].asked, name: value})
            except BadField as refused:
                named.add(refused.field.startswith(name))
                continue
            said += 1
            hints = {one.rpartition(".")[2] for one in HINTS[way.asked]}
            assert {one.removeprefix(MARK) for one in missing} <= hints, value
    assert said > 30
    assert named == {True}


def _places(value: Any, at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each place in a value by its name, what stands there, and what puts another thing there."""
    yield at, value, lambda other: other
    if not isinstance(value, dict | list):
        return
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        under = f"{at}[{name}]" if isinstance(value, list) else f"{at}.{name}".lstrip(".")
        for where, held, put in _places(inner, under):
            yield where, held, lambda other, put=put, name=name: _with(value, name, put(other))


def _with(value: Any, name: Any, other: Any) -> Any:
    if isinstance(value, dict):
        return {**value, name: other}
    return [*value[:name], other, *value[name + 1 :]]


@each
def test_a_part_without_what_it_is_of_is_refused_by_name(way: Way) -> None:
    refused = 0
    for at, held, put in _places(WHOLE_REQUESTS[way.asked]):
        if isinstance(held, dict) and "type" in held and at.startswith(("messages", "input")):
            for name in _OF_PARTS & held.keys():
                left = {other: value for other, value in held.items() if other != name}
                with pytest.raises(BadField) as without:
                    lost(way, put(left))
                refused += without.value.field.startswith(at)
    assert refused > 4


_OF_PARTS: Final = {"text", "refusal", "image_url", "file", "file_data", "data", "source"}
"""What a part is of, in one form or another."""


@each
def test_whatever_stands_in_a_place_is_said_or_refused_by_name(way: Way) -> None:
    """Of another type than the place has, or a member that nobody knows."""
    unknown = {MARK: MARK}
    passed = tuple(HINTS[way.asked]) + SAID_TWICE[way.asked]
    for at, held, put in _places(WHOLE_REQUESTS[way.asked]):
        others: list[Any] = [MARK, unknown, [MARK], [unknown], {"type": MARK}]
        if isinstance(held, dict):
            others.append({**held, **unknown})
        if isinstance(held, list):
            others += [[*held, MARK], [*held, unknown]]
        for other in others if at else [others[-1]]:
            try:
                missing = lost(way, put(other))
            except BadField:
                continue
            assert not missing or at.endswith(passed), (at, other)

"""Where a conversation may be cut: nowhere between a tool's call and its result.

The providers answer 400 to a call without its result, and to a result without its call. Chat
completions, Messages and Responses are told apart message by message, not asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final, TypeVar

Message = Mapping[str, Any]
AMessage = TypeVar("AMessage", bound=Message)
"""As the caller has it typed, such as openai's ``ChatCompletionMessageParam``."""

_RESULT_ITEMS: Final = "_output"
"""A Responses item with a result is ``function_call_output``, ``custom_tool_call_output``, …"""
_CALL_ITEMS: Final = "_call"
_SYSTEM: Final = ("system", "developer")


def is_system(message: Message) -> bool:
    """Whether it instructs the model, and is no part of what was said."""
    return message.get("role") in _SYSTEM


def cuts(messages: Sequence[Message]) -> list[int]:
    """The places, 0 to len(messages), before which everything may be left out; 0 is always one.

    None is between a call and its result, before a result whose call is missing, or before a
    message that belongs to the one before it. A call without a result may stand at a place.
    """
    parting = [0] * (len(messages) + 2)
    """How much more a cut before the message would part than one before the message before it."""
    called: dict[str, int] = {}
    for index, message in enumerate(messages):
        called.update(dict.fromkeys(_calls(message), index))
        for identity in _results(message):
            since = called.get(identity, index - 1)
            parting[since + 1] += 1
            parting[index + 1] -= 1
        if index and (_belongs(message) or _leads(messages[index - 1])):
            parting[index] += 1
            parting[index + 1] -= 1
    parts = list(accumulate(parting))
    return [0, *(at for at in range(1, len(messages) + 1) if not parts[at])]


def left_at(messages: Sequence[Message], tokens: Sequence[int]) -> list[int]:
    """Tokens of what stays if all before a place goes, except system prompts; by place."""
    gone = [0 if is_system(one) else n for one, n in zip(messages, tokens, strict=True)]
    all_of_it = sum(tokens)
    return [all_of_it - before for before in accumulate(gone, initial=0)]


def _calls(message: Message) -> Iterator[str]:
    """The ids of the calls that it makes."""
    if str(message.get("type", "")).endswith(_CALL_ITEMS):
        yield str(message.get("call_id") or message.get("id"))
    if message.get("type") == "mcp_approval_request":
        yield str(message.get("id"))
    for call in _list(message.get("tool_calls")):
        yield str(call.get("id"))
    for block in _list(message.get("content")):
        if str(block.get("type", "")).endswith("tool_use"):
            yield str(block.get("id"))


def _results(message: Message) -> Iterator[str]:
    """The ids of the calls that it answers."""
    if str(message.get("type", "")).endswith(_RESULT_ITEMS):
        yield str(message.get("call_id") or message.get("id"))
    if message.get("type") == "mcp_approval_response":
        yield str(message.get("approval_request_id"))
    if message.get("role") == "tool":
        yield str(message.get("tool_call_id"))
    for block in _list(message.get("content")):
        if str(block.get("type", "")).endswith("tool_result"):
            yield str(block.get("tool_use_id"))


def _belongs(message: Message) -> bool:
    """Whether it is the result of the message before it: old-style functions have no ids."""
    return message.get("role") == "function"


def _leads(message: Message) -> bool:
    """Whether the next message belongs to it: providers refuse reasoning without what it led to."""
    return message.get("type") == "reasoning"


def _list(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list | tuple):
        yield from (one for one in value if isinstance(one, Mapping))

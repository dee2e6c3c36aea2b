"""Keeping a conversation under its window: the middle of it becomes a summary.

System prompts and the newest messages stay as they are. What is between is given to a function of
the caller's, which makes a text of it; a model that is asked to sum up is the usual one.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, NamedTuple, cast

from quotadeck.client.help.awaited import answered
from quotadeck.client.help.pairs import AMessage, cuts, is_system, left_at
from quotadeck.client.help.request_tokens import message_tokens
from quotadeck.client.help.tokens import Count, estimate

KEPT: Final = 10
MOST_TOKENS: Final = 150_000
HEADING: Final = "[Conversation summary]"


class Parted(NamedTuple, Generic[AMessage]):
    """A conversation's parts: ``head`` are the system prompts from before ``newest``, in order;
    ``between`` is all else from before it, which a summary replaces. Empty: nothing has to go."""

    head: list[AMessage]
    between: list[AMessage]
    newest: list[AMessage]

    def joined(self, summary: str, heading: str = HEADING) -> list[AMessage]:
        """The conversation, with the summary in the place of ``between``."""
        if not self.between:
            return [*self.head, *self.newest]
        text = f"{heading}\n{summary}" if heading else summary
        summed = cast("AMessage", {"role": "user", "content": text})
        return [*self.head, summed, *self.newest]


def part(
    messages: Sequence[AMessage],
    keep: int = KEPT,
    most_tokens: int = MOST_TOKENS,
    count: Count = estimate,
) -> Parted[AMessage]:
    """Part a conversation in chat's, Messages' or Responses' form.

    Nothing is between as long as it has at most ``most_tokens`` in all (0: part it anyway). Of the
    newest ``keep`` stay, and more where a tool's call and its result would be parted; fewer, where
    even these have too many tokens, but never none.
    """
    tokens = [message_tokens(one, count) for one in messages]
    if sum(tokens) <= most_tokens:
        return Parted([], [], list(messages))
    places = [at for at in cuts(messages) if at < len(messages)]
    at = max((one for one in places if one <= len(messages) - keep), default=0)
    if most_tokens:
        left = left_at(messages, tokens)
        at = next((one for one in places if one >= at and left[one] <= most_tokens), places[-1])
    before = messages[:at]
    return Parted(
        [one for one in before if is_system(one)],
        [one for one in before if not is_system(one)],
        list(messages[at:]),
    )


def shorten(
    messages: Sequence[AMessage],
    summarize: Callable[[list[AMessage]], str],
    *,
    keep: int = KEPT,
    most_tokens: int = MOST_TOKENS,
    count: Count = estimate,
) -> list[AMessage]:
    """The conversation under its window; ``summarize`` is called only where something goes."""
    parted = part(messages, keep, most_tokens, count)
    between = parted.between
    return parted.joined(answered(summarize(between), "shorten_async") if between else "")


async def shorten_async(
    messages: Sequence[AMessage],
    summarize: Callable[[list[AMessage]], Awaitable[str]],
    *,
    keep: int = KEPT,
    most_tokens: int = MOST_TOKENS,
    count: Count = estimate,
) -> list[AMessage]:
    """As `shorten`, with a function that is awaited."""
    parted = part(messages, keep, most_tokens, count)
    return parted.joined(await summarize(parted.between) if parted.between else "")

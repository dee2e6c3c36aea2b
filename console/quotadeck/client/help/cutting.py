"""Cutting what is too long to a limit of tokens, for those who ask for it, and marked as cut.

Nothing else here or in the manager ever shortens a request by itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, cast, get_args

from quotadeck.client.help.graphemes import safe_cut
from quotadeck.client.help.pairs import AMessage, Message, cuts, is_system, left_at
from quotadeck.client.help.request_tokens import message_tokens, messages_tokens
from quotadeck.client.help.tokens import Count, estimate

MARK: Final = "\n[…]\n"
_NEAR_ENOUGH: Final = 0.01
"""Of the limit: so much of it may stay unused, since counting a long text takes its time."""
_GUESSES: Final = 6
"""By the tokens of the guess before; then halving is quicker."""
Keep = Literal["start", "end", "both"]


class NoRoom(ValueError):
    """The limit is below what must stay: the mark, or the newest message without its text."""


class Cut(NamedTuple):
    """``tokens`` of the text now, ``before`` of the one that was given."""

    text: str
    tokens: int
    before: int

    @property
    def was_cut(self) -> bool:
        return self.tokens != self.before


def cut(
    text: str, most_tokens: int, *, keep: Keep = "start", count: Count = estimate, mark: str = MARK
) -> Cut:
    """The text, or as much of it as has at most ``most_tokens`` with the mark.

    ``keep`` says which part stays: of a report the start, of a log the end. A character is never
    parted from what belongs to it. Raises NoRoom where the mark itself is too long.
    """
    if keep not in get_args(Keep):
        raise ValueError(f"keep is one of {', '.join(get_args(Keep))}, not {keep!r}")
    before = count(text)
    if before <= most_tokens:
        return Cut(text, before, before)
    if count(mark) > most_tokens:
        raise NoRoom(f"the mark alone has more than {most_tokens} tokens")
    fits, too_many, best, tokens = 0, len(text), mark, count(mark)
    guess, guesses = len(text) * most_tokens // before, 0
    while too_many - fits > 1 and most_tokens - tokens > most_tokens * _NEAR_ENOUGH:
        chars = min(max(guess, fits + 1), too_many - 1)
        tried = _kept(text, chars, keep, mark)
        found = count(tried)
        if found <= most_tokens:
            fits, best, tokens = chars, tried, found
        else:
            too_many = chars
        guess, guesses = chars * most_tokens // max(found, 1), guesses + 1
        if guesses > _GUESSES or not fits < guess < too_many:
            guess = (fits + too_many) // 2
    return Cut(best, tokens, before)


def cut_messages(
    messages: Sequence[AMessage], most_tokens: int, *, count: Count = estimate, mark: str = MARK
) -> list[AMessage]:
    """The conversation, or system prompts and as many of the newest messages as the limit takes.

    A mark stands where messages are left out. A tool's call and its result stay or go together.
    Where not even the newest fits whole, its longest text is cut. Raises NoRoom.
    """
    tokens = [message_tokens(one, count) for one in messages]
    if sum(tokens) <= most_tokens:
        return list(messages)
    left = left_at(messages, tokens)
    of_mark = message_tokens(_marked(mark), count)
    places = [at for at in cuts(messages) if at < len(messages)]
    for at in places[1:]:
        if left[at] + of_mark <= most_tokens:
            return _without(messages, at, mark)
    return _with_longest_cut(_without(messages, places[-1], mark), most_tokens, count, mark)


def _kept(text: str, chars: int, keep: Keep, mark: str) -> str:
    """``chars`` of the text at most, and the mark where the rest was."""
    ending = {"start": 0, "end": chars, "both": chars // 2}[keep]
    start = text[: safe_cut(text, chars - ending)]
    return start + mark + text[_safe_start(text, len(text) - ending) :]


def _safe_start(text: str, at: int) -> int:
    """The least place not before ``at`` where a cut parts nothing."""
    while safe_cut(text, at) != at and at < len(text):
        at += 1
    return at


def _without(messages: Sequence[AMessage], at: int, mark: str) -> list[AMessage]:
    """Without what stands before the place, but for system prompts."""
    head = [one for one in messages[:at] if is_system(one)]
    marked = [cast("AMessage", _marked(mark))] if len(head) < at else []
    return [*head, *marked, *messages[at:]]


def _marked(mark: str) -> Message:
    return {"role": "user", "content": mark.strip()}


def _with_longest_cut(
    messages: list[AMessage], most_tokens: int, count: Count, mark: str
) -> list[AMessage]:
    """With the longest text of all that is not the system's cut by what is too much."""
    found = [
        (count(text), index, part, text)
        for index, message in enumerate(messages)
        if not is_system(message)
        for part, text in _texts(message)
    ]
    if not found:
        raise NoRoom(f"nothing in these messages can be cut to {most_tokens} tokens")
    tokens, index, part, text = max(found)
    room = most_tokens - (messages_tokens(messages, count) - tokens)
    while room > 0:
        message = _with_text(messages[index], part, cut(text, room, count=count, mark=mark).text)
        shorter = [*messages[:index], message, *messages[index + 1 :]]
        over = messages_tokens(shorter, count) - most_tokens
        if over <= 0:
            return shorter
        room -= over
    raise NoRoom(f"what must stay has more than {most_tokens} tokens")


def _texts(message: Message) -> list[tuple[tuple[str, int], str]]:
    """A message's own texts, each with its place: a field, and the part in it (-1: no part)."""
    found = []
    for name in ("content", "output"):
        value = message.get(name)
        if isinstance(value, str):
            found.append(((name, -1), value))
        elif isinstance(value, list):
            found += [
                ((name, index), part["text"])
                for index, part in enumerate(value)
                if isinstance(part, Mapping) and isinstance(part.get("text"), str)
            ]
    return found


def _with_text(message: AMessage, place: tuple[str, int], text: str) -> AMessage:
    name, index = place
    if index < 0:
        return cast("AMessage", {**message, name: text})
    parts: list[Any] = list(message[name])
    parts[index] = {**parts[index], "text": text}
    return cast("AMessage", {**message, name: parts})

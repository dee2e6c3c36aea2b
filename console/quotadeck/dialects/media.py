"""Pictures, sounds, films and files in a message's parts, in whichever form a provider takes them.

Their bytes say nothing of their tokens. What is text is never taken for a medium: a part may call
itself a document and carry a book in plain letters, which is billed as the text that it is.
"""

from collections.abc import Iterator
from typing import Any, Final

_MEDIA: Final = ("image", "audio", "video", "document", "file", "pdf", "screenshot")
"""A part's type is one with such a word in it: ``image_url``, ``input_image``, ``document_url``."""
MEDIA_TOKENS: Final = 2_000
"""What an image, a sound or a file is taken for: likely enough, no bound. A large image costs some
1,500 tokens; its bytes say nothing, and a linked one has none here."""
_DEPTH: Final = 4
_LEAST_CHARS: Final = 64
"""Shorter strings are names and kinds."""


def media_in(content: Any, depth: int = _DEPTH) -> tuple[int, int]:
    """How many media a message's content holds, and how many bytes of the body they are.

    Also inside of parts that hold parts, such as a tool's result.
    """
    if not isinstance(content, list):
        return 0, 0
    count = size = 0
    for part in content:
        if not isinstance(part, dict):
            continue
        kind = part.get("type")
        if isinstance(kind, str) and any(word in kind for word in _MEDIA):
            count += 1
            size += sum(map(len, _encoded(part, depth)))
        elif depth and isinstance(part.get("content"), list):
            more, bytes_more = media_in(part["content"], depth - 1)
            count, size = count + more, size + bytes_more
    return count, size


def _encoded(value: Any, depth: int) -> Iterator[str]:
    """The strings in a medium's part that are an encoding of it, or its address."""
    if isinstance(value, str):
        if len(value) >= _LEAST_CHARS and value.isascii() and " " not in value:
            yield value
    elif depth and isinstance(value, dict | list) and not _is_text(value):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _encoded(inner, depth - 1)


def _is_text(source: Any) -> bool:
    """Whether it says of itself that it is, as the source of a document may."""
    return isinstance(source, dict) and source.get("type") == "text"

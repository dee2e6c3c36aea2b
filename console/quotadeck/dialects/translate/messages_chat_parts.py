"""What people and tools say in Anthropic's Messages, part by part, as chat completions have it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from quotadeck.dialects.translate.strict import CHAT, Part, object_at, text_at, words_at
from quotadeck.domain.refusals import BadField

HINTS: Final = frozenset({"cache_control", "eager_input_streaming"})
"""What changes no word of an answer."""
_OF_A_TEXT: Final = frozenset({"type", "text", *HINTS})
_UNCITED: Final = {"enabled": False}


def texts(blocks: Iterable[Any], where: str, first: int = 0) -> str:
    """Blocks of text, where there may be no others, as one. Raises BadField."""
    return "\n\n".join(
        [_text(block, f"{where}[{index}]") for index, block in enumerate(blocks, first)]
    )


def part(block: Part, where: str) -> Part:
    """A block of what is asked. Raises BadField."""
    kind = block.get("type")
    if kind == "text":
        return {"type": "text", "text": _text(block, where)}
    given = block.get("source")
    source = given if isinstance(given, dict) else {}
    known = _SOURCES.get((str(kind), str(source.get("type"))))
    if known is None:
        raise CHAT.cannot(where, f"{kind!r} of this form")
    if block.get("citations") not in (None, _UNCITED):
        raise CHAT.cannot(f"{where}.citations")
    CHAT.refuse_more(block, known.members, where)
    CHAT.refuse_more(source, known.of_source, f"{where}.source")
    return known.write(block, source, where)


def _text(block: Any, where: str) -> str:
    stated = object_at(block, where)
    if stated.get("type") != "text":
        raise CHAT.cannot(where, f"{stated.get('type')!r} here")
    CHAT.refuse_more(stated, _OF_A_TEXT, where)
    return words_at(stated.get("text"), f"{where}.text")


def _picture(url: str) -> Part:
    return {"type": "image_url", "image_url": {"url": url}}


def _data_url(source: Part, where: str) -> str:
    kind, data = (words_at(source.get(name), f"{where}.source.{name}") for name in _ENCODED[1:])
    return f"data:{kind};base64,{data}"


def _file(block: Part, source: Part, where: str) -> Part:
    name = text_at(block.get("title"), f"{where}.title") or "document.pdf"
    return {"type": "file", "file": {"filename": name, "file_data": _data_url(source, where)}}


def _plain(block: Part, source: Part, where: str) -> Part:
    """A document in letters: under its title, as there is no other place for one."""
    if source.get("media_type") not in (None, "text/plain"):
        raise BadField(f"{where}.source.media_type", "must be text/plain")
    title = text_at(block.get("title"), f"{where}.title")
    text = words_at(source.get("data"), f"{where}.source.data")
    return {"type": "text", "text": f"{title}\n\n{text}" if title else text}


class _Source(NamedTuple):
    """How a block with such a source is written, and which members it and the source may have."""

    write: Callable[[Part, Part, str], Part]
    members: frozenset[str]
    of_source: tuple[str, ...]


_ENCODED: Final = ("type", "media_type", "data")
_IMAGE: Final = frozenset({"type", "source", *HINTS})
_DOCUMENT: Final = _IMAGE | {"title", "citations"}
_SOURCES: Final[Mapping[tuple[str, str], _Source]] = {
    ("image", "base64"): _Source(
        lambda _, source, where: _picture(_data_url(source, where)), _IMAGE, _ENCODED
    ),
    ("image", "url"): _Source(
        lambda _, source, where: _picture(words_at(source.get("url"), f"{where}.source.url")),
        _IMAGE,
        ("type", "url"),
    ),
    ("document", "base64"): _Source(_file, _DOCUMENT, _ENCODED),
    ("document", "text"): _Source(_plain, _DOCUMENT, _ENCODED),
}

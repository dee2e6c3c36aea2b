"""What a picture costs in tokens, by its size alone: the providers publish the rules.

Sources: "Images and vision" of OpenAI's guides (tiles of 512 pixels), "Vision" of Anthropic's
(width × height / 750 after shrinking to 1,568 pixels a side).
"""

import base64
import binascii
import struct
from typing import Any, Final

UNKNOWN: Final = 1_500
"""A picture whose size cannot be read, such as a linked one: about a large one's tokens."""
_LOW: Final = 85
_TILE_TOKENS: Final = 170
_TILE: Final = 512
_LONG_SIDE: Final = 2_048
_SHORT_SIDE: Final = 768
_CLAUDE_SIDE: Final = 1_568
_CLAUDE_MOST: Final = 1_600
_HEAD_CHARS: Final = 65_536
"""A JPEG tells its size behind its thumbnails; further than this nobody looks."""


def openai_picture(width: int, height: int, detail: str = "auto") -> int:
    """Tokens of a picture of so many pixels for a GPT-4o or GPT-4.1."""
    if detail == "low":
        return _LOW
    shrunk = min(1.0, _LONG_SIDE / max(width, height, 1))
    shrunk *= min(1.0, _SHORT_SIDE / max(min(width, height) * shrunk, 1))
    across, down = (max(1, -(-int(side * shrunk) // _TILE)) for side in (width, height))
    return _LOW + _TILE_TOKENS * across * down


def claude_picture(width: int, height: int) -> int:
    """Tokens of a picture of so many pixels for a Claude."""
    shrunk = min(1.0, _CLAUDE_SIDE / max(width, height, 1))
    return min(_CLAUDE_MOST, max(1, round(width * shrunk * height * shrunk / 750)))


def pixels(encoded: str) -> tuple[int, int] | None:
    """Width and height of a PNG, JPEG, GIF or WebP in base64, which may be a ``data:`` URL.

    None for what is none of them, or does not tell: nothing is fetched.
    """
    if encoded.startswith("data:"):
        encoded = encoded.partition(",")[2]
    head = encoded[:_HEAD_CHARS]
    try:
        data = base64.b64decode(head[: len(head) // 4 * 4])
    except (binascii.Error, ValueError):
        return None
    try:
        return _png(data) or _gif(data) or _webp(data) or _jpeg(data)
    except (struct.error, IndexError):
        return None


def tokens_of_part(part: dict[str, Any]) -> int:
    """Tokens of a message's part that holds a picture, in any of the providers' forms."""
    url: Any = part.get("image_url")
    source = part.get("source")
    if isinstance(source, dict):
        size = pixels(str(source.get("data") or ""))
        return claude_picture(*size) if size else UNKNOWN
    detail = part.get("detail")
    if isinstance(url, dict):
        url, detail = url.get("url"), url.get("detail", detail)
    if detail == "low":
        return _LOW
    size = pixels(url) if isinstance(url, str) and url.startswith("data:") else None
    return openai_picture(*size) if size else UNKNOWN


def _png(data: bytes) -> tuple[int, int] | None:
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> tuple[int, int] | None:
    if data[:6] not in {b"GIF87a", b"GIF89a"}:
        return None
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _webp(data: bytes) -> tuple[int, int] | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    if data[12:16] == b"VP8X":
        return (
            int.from_bytes(data[24:27], "little") + 1,
            int.from_bytes(data[27:30], "little") + 1,
        )
    if data[12:16] == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(data: bytes) -> tuple[int, int] | None:
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None

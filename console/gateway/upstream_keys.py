"""The providers' keys kept out of the words that we pass on.

An upstream's error may quote the request it got, and its key with it: to a tenant it is a secret.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

MAX_CHARS = 16_000
_MAX_KEY_CHARS = 4_000
_LONG = 16
"""A shorter key may be an ordinary word; it is hidden only where it stands for itself."""
_TELLING = 12
"""So many first characters are taken for the key, whatever follows: providers shorten them."""


@dataclass(frozen=True, slots=True, repr=False)
class UpstreamKeys:
    """All keys of the configured upstreams, as a pattern; None: there are none."""

    pattern: re.Pattern[str] | None

    def hide(self, text: str) -> str:
        """The text with ``[key]`` for each key in it: plain, URL-encoded, in base64, shortened.

        An endless text is cut, and what stands before the cut with it: it may be half a key.
        """
        if self.pattern is None:
            return text
        hidden = self.pattern.sub("[key]", text[:MAX_CHARS])
        return hidden if len(text) <= MAX_CHARS else hidden[:-_MAX_KEY_CHARS]


def upstream_keys(keys: Iterable[str]) -> UpstreamKeys:
    """Compiled once; an empty key is none."""
    known = sorted({key for key in keys if key}, key=len, reverse=True)
    long = [key for key in known if len(key) >= _LONG]
    patterns = [re.escape(form) for key in long for form in (key, quote(key, safe=""))]
    patterns += [form for key in long for form in _base64(key.encode())]
    patterns += [
        re.escape(key[:_TELLING]) + r"[\w*•…-]*" for key in known if len(key) >= 2 * _TELLING
    ]
    patterns += [rf"(?<!\w){re.escape(key)}(?!\w)" for key in known if len(key) < _LONG]
    return UpstreamKeys(re.compile("|".join(patterns), re.IGNORECASE) if patterns else None)


def _base64(key: bytes) -> list[str]:
    """How the key reads within a longer text in base64 (Basic authorization).

    What stands before it shifts it by up to two bytes; the characters at both ends depend on what
    stands around it, and are taken with it.
    """
    patterns: list[str] = []
    for shift in range(3):
        encoded = b64encode(b"\0" * shift + key)
        inner = encoded[4 if shift else 0 : (len(key) + shift) // 3 * 4].decode()
        either = inner.replace("+", "-").replace("/", "_")
        patterns += [
            rf"[\w+/-]{{0,{4 if shift else 0}}}{re.escape(form)}[\w+/-]{{0,4}}={{0,2}}"
            for form in dict.fromkeys((inner, either))
        ]
    return patterns

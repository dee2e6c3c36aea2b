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
_LONG = 12
"""A shorter key may be an ordinary word; it is hidden only where it stands for itself."""
_TELLING = 12
"""So many first characters are taken for the key, whatever follows: providers shorten them."""


@dataclass(frozen=True, slots=True, repr=False)
class _Key:
    """One key's forms as a pattern; it is tried only where one of ``needles`` is in the text."""

    needles: tuple[str, ...]
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True, repr=False)
class UpstreamKeys:
    """All keys of the configured upstreams."""

    keys: tuple[_Key, ...]

    def hide(self, text: str) -> str:
        """The text with ``[key]`` for each key in it: plain, URL-encoded, in base64, shortened.

        An endless text is cut, and what stands before the cut with it: it may be half a key.
        """
        hidden = text[:MAX_CHARS]
        lower = hidden.lower()
        for key in self.keys:
            for needle in key.needles:
                if needle in lower:
                    hidden = key.pattern.sub("[key]", hidden)
                    break
        return hidden if len(text) <= MAX_CHARS else hidden[:-_MAX_KEY_CHARS]


def upstream_keys(keys: Iterable[str]) -> UpstreamKeys:
    """Compiled once, the longest first; an empty key is none."""
    return UpstreamKeys(tuple(map(_key, sorted({key for key in keys if key}, key=len)[::-1])))


def _key(key: str) -> _Key:
    if len(key) < _LONG:
        return _compiled([key], [rf"(?<!\w){re.escape(key)}(?!\w)"])
    encoded = [form for shift in range(3) for form in _base64(key.encode(), shift)]
    forms = [key, quote(key, safe=""), *encoded]
    patterns = [re.escape(form) for form in forms[:2]]
    # The characters at both ends depend on what stands around it, and are taken with it.
    patterns += [rf"[\w+/-]{{0,4}}{re.escape(form)}[\w+/-]{{0,4}}={{0,2}}" for form in encoded]
    if len(key) >= 2 * _TELLING:
        patterns.append(re.escape(key[:_TELLING]) + r"[\w*•…-]*")
    return _compiled([form[:_TELLING] for form in forms], patterns)


def _compiled(needles: list[str], patterns: list[str]) -> _Key:
    lower = tuple(dict.fromkeys(needle.lower() for needle in needles))
    return _Key(lower, re.compile("|".join(patterns), re.IGNORECASE))


def _base64(key: bytes, shift: int) -> tuple[str, str]:
    """What of the key reads alike in any longer text in base64 that it begins ``shift`` bytes late.

    In both alphabets; so Basic authorization carries it.
    """
    encoded = b64encode(b"\0" * shift + key)
    inner = encoded[4 if shift else 0 : (len(key) + shift) // 3 * 4].decode()
    return inner, inner.replace("+", "-").replace("/", "_")

"""Headers and query parameters that an upstream is sent: names with text, or with a secret."""

import re
from collections.abc import Callable
from typing import Final

from pydantic import ValidationError

from quotadeck.wire.config.secret_ref import REFERENCE, SecretRef
from quotadeck.wire.config.table import Mistake, Mistakes

SentValue = str | SecretRef
MOST: Final = 32
_MAX_CHARS: Final = 4_000
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # a token, RFC 9110, 5.6.2
_PARAMETER: Final = re.compile(r"[A-Za-z0-9._~$-]{1,100}")
_SAYABLE: Final = re.compile(r"(?!sk[-_])[A-Za-z]{1,20}([-_.][A-Za-z]{1,20}){0,5}")
"""A name that may be repeated: a key that stands in its place looks otherwise."""
OURS: Final = frozenset(
    {
        "host",
        "content-length",
        "content-type",
        "content-encoding",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "accept-encoding",
        "proxy-authorization",
        "proxy-connection",
        "x-request-id",
        "traceparent",
    }
)
"""By these a request is framed, sent or found again."""
_KEYS: Final = re.compile(
    r"authorization|cookie|(^|.*[-_])(api-?key|key|token|secret|password)", re.IGNORECASE
)
"""Names whose values are secrets."""


def sent_headers(value: object) -> object:
    """Raises Mistakes, with all that is wrong."""
    return _checked(value, _wrong_header)


def sent_query(value: object) -> object:
    """Raises Mistakes, with all that is wrong."""
    return _checked(value, _wrong_parameter)


def _checked(value: object, wrong: Callable[[str], str]) -> object:
    if not isinstance(value, dict):
        raise ValueError("no table")  # noqa: TRY004 - pydantic collects ValueErrors
    mistakes: list[Mistake] = []
    seen: set[str] = set()
    made: dict[str, SentValue] = {}
    if len(value) > MOST:
        mistakes.append(Mistake(f"{len(value)} names", f"{MOST} at most"))
    for name, said in value.items():
        below = (name,) if _SAYABLE.fullmatch(name) else ()
        if allowed := wrong(name):
            mistakes.append(Mistake("a name that is not for you to set", allowed, below))
        elif name.lower() in seen:
            mistakes.append(Mistake("the same name twice", "each once, in any case", below))
        else:
            made[name] = _value(name, said, below, mistakes)
        seen.add(name.lower())
    if mistakes:
        raise Mistakes(*mistakes)
    return made


def _value(name: str, said: object, below: tuple[str, ...], mistakes: list[Mistake]) -> SentValue:
    if isinstance(said, dict):
        try:
            return SecretRef.model_validate(said)
        except ValidationError:
            mistakes.append(
                Mistake("something else (not shown: it may be a secret)", REFERENCE, below)
            )
    elif not isinstance(said, str) or not _is_text(said):
        told = "no text of visible ASCII characters (not shown: it may be a secret)"
        mistakes.append(Mistake(told, f"text in quotes, or {REFERENCE}", below))
    elif _KEYS.fullmatch(name):
        mistakes.append(Mistake("text (not shown: it may be a secret)", REFERENCE, below))
    else:
        return said
    return ""


def _is_text(said: str) -> bool:
    plain = said.isascii() and said.isprintable() and said == said.strip()
    return plain and 0 < len(said) <= _MAX_CHARS


def _wrong_header(name: str) -> str:
    if name.lower() in OURS:
        return "any other header: the gateway writes this one itself"
    return "" if _HEADER.fullmatch(name) else "a header's name: letters, digits and -"


def _wrong_parameter(name: str) -> str:
    return "" if _PARAMETER.fullmatch(name) else "a parameter's name: letters, digits and - . _ ~ $"

"""Words: what is told to people, made from kinds and facts where they are read.

A language is a folder of sentences (`quotadeck.words.en`) and its figures. One language serves a
process; `use` chooses it at the start.
"""

from collections.abc import Mapping

from quotadeck.domain.days import rfc3339
from quotadeck.domain.notice import Fact, Notice
from quotadeck.words.en import ENGLISH
from quotadeck.words.figures import Instant
from quotadeck.words.sentence import Language

__all__ = ["Language", "has", "say", "text", "use"]

_language = ENGLISH


def use(language: Language) -> Language:
    """Speak this language from now on; the one before is given back."""
    global _language
    before, _language = _language, language
    return before


def say(notice: Notice, instant: Instant = rfc3339) -> str:
    """The notice as a sentence. What only a newer sender knows is told by its kind and facts."""
    said = _language.text(notice.kind, notice.facts, instant)
    return _unknown(notice.kind, notice.facts) if said is None else said


def has(kind: str) -> bool:
    """Whether there is a sentence of this kind."""
    return kind in _language.sentences


def text(kind: str, /, **facts: Fact) -> str:
    """A sentence of our own: ``text("list.of", shown=20, all=300)``."""
    said = _language.text(kind, facts, rfc3339)
    return _unknown(kind, facts) if said is None else said


def _unknown(kind: str, facts: Mapping[str, Fact]) -> str:
    told = ", ".join(f"{name} {fact}" for name, fact in facts.items())
    return f"{kind} ({told})" if told else kind

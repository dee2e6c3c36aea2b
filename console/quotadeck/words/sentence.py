"""Sentences: whole ones, with named places for facts, and plural forms.

A sentence is a text with places as in ``str.format``: ``{project} has {left_nano} left``. How a
fact is written follows from its name's unit, or from the word behind a colon (``{asked:number}``),
see `quotadeck.words.figures`; ``:name`` looks a word of ours up (``name.budget``). Nothing is put
together from fragments, so that another language may order its words as it likes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from quotadeck.domain.notice import Fact
from quotadeck.words.figures import Instant, written


@dataclass(frozen=True, slots=True)
class Plural:
    """A sentence in as many forms as its language has for the count in the place ``by``.

    The forms are named as Unicode's plural rules name them; English has ``one`` and ``other``.
    """

    by: str
    forms: Mapping[str, str]


Sentence = str | Plural


def plural(by: str, one: str, other: str) -> Plural:
    """The two forms of English."""
    return Plural(by, {"one": one, "other": other})


@dataclass(frozen=True, slots=True)
class Language:
    """Every sentence of a language by its kind, and which plural form a count takes."""

    name: str
    sentences: Mapping[str, Sentence]
    form: Callable[[int], str]

    def text(self, kind: str, facts: Mapping[str, Fact], instant: Instant) -> str | None:
        """The sentence with its facts; None where the language has none of this kind."""
        sentence = self.sentences.get(kind)
        if sentence is None:
            return None
        if isinstance(sentence, Plural):
            count = facts.get(sentence.by)
            sentence = sentence.forms[self.form(count if isinstance(count, int) else 0)]
        return _Filler(self, instant).vformat(sentence, (), facts)


class _Filler(Formatter):
    """Writes each fact as its place asks for it."""

    def __init__(self, language: Language, instant: Instant) -> None:
        self._language = language
        self._instant = instant

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:  # noqa: ARG002
        # No attributes and no indexes: a place is the name of a fact, and no more.
        return (field_name, kwargs.get(field_name)), field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        name, fact = value
        if format_spec == "name" and fact is not None:
            return self._language.text(f"name.{fact}", {}, self._instant) or str(fact)
        return written(name, fact, format_spec, self._instant)


def places(sentence: Sentence) -> set[str]:
    """The names of the facts that a sentence has places for."""
    forms = sentence.forms.values() if isinstance(sentence, Plural) else (sentence,)
    return {name for form in forms for _, name, _, _ in Formatter().parse(form) if name}

"""Sentences: whole ones, with named places for facts, and plural forms.

A sentence is a text with places as in ``str.format``: ``{project} has {left_nano} left``. How a
fact is written follows from its name's unit, or from the word behind a colon (``{asked:number}``),
see `quotadeck.words.figures`. ``:name`` looks a word of ours up (``PLACE.budget``, where it says
another thing there, or else ``name.budget``), ``:value``
writes a changed value as the fact ``field`` has it (``value.FIELD``), and ``:or`` a list with an
"or" before its last. ``:told`` is a whole sentence by its kind, or by the first of several, with
the same facts; of a kind that only a newer sender knows, its fact ``text``. A clause in brackets,
such as ``[, until {until_us}]``, is left out where one of its facts is not given. Nothing is put
together from fragments, so that another language may order its words as it likes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter
from typing import Final

from quotadeck.domain.days import rfc3339
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
        return _Filler(self, facts, instant).filled(sentence)


class _Filler:
    """Writes each fact as its place asks for it."""

    def __init__(self, language: Language, facts: Mapping[str, Fact], instant: Instant) -> None:
        self._language = language
        self._facts = facts
        self._instant = instant

    def filled(self, sentence: str) -> str:
        """The sentence with its facts, without the clauses whose facts are not given."""
        told: list[str] = []
        for parts, needed in _clauses(sentence):
            if needed and not all(map(self._is_given, needed)):
                continue
            for literal, name, asked in parts:
                told.append(literal)
                if name:
                    told.append(self._fact(name, asked))
        return "".join(told)

    def _is_given(self, name: str) -> bool:
        return self._facts.get(name) not in (None, "", ())

    def _fact(self, name: str, asked: str) -> str:
        fact = self._facts.get(name)
        if asked == "value":
            return self._value(fact)
        if asked == "told":
            return self._told(name, fact)
        if asked == "name" and fact is not None:
            words = fact if isinstance(fact, tuple) else (str(fact),)
            return ", ".join(self._named(name, word) for word in words)
        if asked == "or" and isinstance(fact, tuple) and len(fact) > 1:
            others = {"others": ", ".join(fact[:-1]), "last": fact[-1]}
            return self._language.text("or", others, self._instant) or " / ".join(fact)
        return written(name, fact, asked, self._instant)

    def _told(self, name: str, fact: Fact) -> str:
        """Of several kinds each is within the one before; none is told within itself."""
        first, *rest = fact if isinstance(fact, tuple) and fact else (fact,)
        facts = {**self._facts, name: tuple(map(str, rest))}
        said = self._language.text(str(first), facts, self._instant)
        return said or str(self._facts.get("text") or first or written(name, None, "", rfc3339))

    def _value(self, value: Fact) -> str:
        """As the field's own sentence has it, ``value.FIELD``, or the one for all, ``value``.

        With ``.none`` for no value, ``.labelled`` for one with the fact ``label``.
        """
        label = self._facts.get("label")
        form = ".none" if value is None else ".labelled" if label else ""
        told: dict[str, Fact] = {"value": value, "label": label}
        kinds = (f"value.{self._facts.get('field')}{form}", f"value{form}", "value")
        said = (self._language.text(kind, told, self._instant) for kind in kinds)
        return next((text for text in said if text is not None), str(value))

    def _named(self, place: str, word: str) -> str:
        kinds = (f"{place}.{word}", f"name.{word}")
        said = (self._language.text(kind, {}, self._instant) for kind in kinds)
        return next((text for text in said if text is not None), word)


_CLAUSE: Final = re.compile(r"\[(.*?)\]")

_Part = tuple[str, str, str]
"""Literal text, then the name of a fact and what its place asks for; no name, no place."""


@lru_cache(maxsize=4_096)  # every sentence of a language or two, read once: reading is the cost
def _clauses(sentence: str) -> tuple[tuple[tuple[_Part, ...], frozenset[str]], ...]:
    """The sentence in its clauses, each with the facts it cannot be told without."""
    clauses = []
    for index, text in enumerate(_CLAUSE.split(sentence)):
        # No attributes and no indexes: a place is the name of a fact, and no more.
        parts = tuple(
            (literal, name or "", spec or "") for literal, name, spec, _ in Formatter().parse(text)
        )
        needed = {name for _, name, _ in parts if name} if index % 2 else ()
        clauses.append((parts, frozenset(needed)))
    return tuple(clauses)


def places(sentence: Sentence) -> set[str]:
    """The names of the facts that a sentence has places for."""
    forms = sentence.forms.values() if isinstance(sentence, Plural) else (sentence,)
    every = (part for form in forms for parts, _ in _clauses(form) for part in parts)
    return {name for _, name, _ in every if name}

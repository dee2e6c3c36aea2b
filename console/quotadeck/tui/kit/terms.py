"""The terms of a filter: what is typed, taken apart by a list's own table of them.

``state:paused``, ``err>5``, ``!text``; all must hold of a row. What is no term is text, which is
sought in the row's columns.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

R = TypeVar("R", contravariant=True)
V = TypeVar("V", contravariant=True)

_COMPARED: Final = re.compile(r"([a-z]+)(>=|<=|>|<|=)(.*)", re.DOTALL)
_NUMBER: Final = re.compile(r"\$?([0-9]+(?:[.,][0-9]+)?)([kmg]?)%?")
_SCALES: Final = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_HOLDS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
    "=": lambda one, other: one == other,
}


@dataclass(frozen=True)
class Term(Generic[R, V]):
    """A word that can be compared, with a ``number`` or with one of the row's ``words``.

    ``choices`` are those to be completed. A number that the row does not have compares with none.
    """

    name: str
    number: Callable[[R, V], float | None] | None = None
    words: Callable[[R, V], Iterable[str]] | None = None
    choices: tuple[str, ...] = ()

    @property
    def sign(self) -> str:
        """What follows its name when it is completed."""
        return ">" if self.number else ":"


Terms = Sequence[Term[Any, Any]]


@dataclass(frozen=True)
class Check(Generic[R, V]):
    """One thing that is typed: ``holds`` of a row, or ``text`` that is sought in it."""

    wanted: bool
    holds: Callable[[R, V], bool] | None = None
    text: str = ""


def checks(typed: str, terms: Terms) -> tuple[Check[Any, Any], ...]:
    """What is typed, taken apart; a term that is not finished says nothing yet."""
    found = (_check(part, terms) for part in typed.lower().split())
    return tuple(one for one in found if one is not None)


def _check(part: str, terms: Terms) -> Check[Any, Any] | None:
    wanted, part = not part.startswith("!"), part.removeprefix("!")
    if not part:
        return None
    name, colon, word = part.partition(":")
    term = next((one for one in terms if one.name == name and one.words), None)
    if colon and term is not None and term.words is not None:
        words = term.words
        if not word:
            return None
        return Check(wanted, lambda row, at: any(said.startswith(word) for said in words(row, at)))
    compared = _COMPARED.fullmatch(part)
    term = next((one for one in terms if compared and one.name == compared[1] and one.number), None)
    if compared and term is not None and term.number is not None:
        return _compared(wanted, term.number, compared[2], compared[3])
    return Check(wanted, text=part)


def _compared(
    wanted: bool, number: Callable[[Any, Any], float | None], sign: str, typed: str
) -> Check[Any, Any] | None:
    figure = _NUMBER.fullmatch(typed)
    if figure is None:
        return None
    most = float(figure[1].replace(",", ".")) * _SCALES[figure[2]]
    holds = _HOLDS[sign]

    def check(row: Any, at: Any) -> bool:
        one = number(row, at)
        return one is not None and holds(one, most)

    return Check(wanted, check)


def fuzzy(sought: str, text: str) -> bool:
    """Whether the letters stand in the text in that order, anything between them."""
    rest = iter(text)
    return all(letter in rest for letter in sought)


def completions(typed: str, terms: Terms) -> tuple[str, ...]:
    """What the last word could become: names of terms, or what a term can be."""
    last = typed.rpartition(" ")[2].lower()
    sign, last = last[: last.startswith("!")], last.removeprefix("!")
    name, colon, begun = last.partition(":")
    if colon:
        choices = next((one.choices for one in terms if one.name == name), ())
        return tuple(f"{sign}{name}:{one}" for one in choices if one.startswith(begun))
    return tuple(f"{sign}{one.name}{one.sign}" for one in terms if one.name.startswith(last))


def completed(typed: str, terms: Terms) -> str:
    """The text with its last word finished, as far as all that it could become agree."""
    could = completions(typed, terms)
    if not could:
        return typed
    head = typed[: len(typed) - len(typed.rpartition(" ")[2])]
    return head + alike(could)


def alike(words: Sequence[str]) -> str:
    """What all of them begin with."""
    first, last = min(words), max(words)
    at = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    return first[:at]

"""What of the calls is sought: terms as typed, read into a value that says whether a call is one.

``project:checkout cause:budget since:-2h``; a text alone is a request's id or its beginning, or the
word of an outcome or a cause.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final

from quotadeck.domain.ago import ago_us
from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.typed import TypedWrong

_PREFIX: Final = "req_"
_DIGITS: Final = 32
_TIME_DIGITS: Final = 12
"""Of an id, the first so many digits are the millisecond in which it was made."""
_LEAST_DIGITS: Final = 4
_ELLIPSIS: Final = "…"


@dataclass(frozen=True, slots=True)
class Sought:
    """What a call must be; empty and None ask for nothing.

    ``id`` is an id's beginning, ``id_end`` its end, without the ``req_``.
    """

    project: str = ""
    model: str = ""
    target: str = ""
    outcome: str = ""
    cause: str = ""
    key: str = ""
    since_us: int | None = None
    until_us: int | None = None
    id: str = ""
    id_end: str = ""

    @property
    def whole_id(self) -> str:
        """The id, where all of it is given."""
        return _PREFIX + self.id if len(self.id) == _DIGITS else ""

    def finds(self, call: Call) -> bool:
        """Whether the call is one of those that are sought."""
        digits = call.id.removeprefix(_PREFIX)
        return (
            self.project in ("", call.project)
            and self.model in ("", call.model)
            and self.target in ("", call.target)
            and self.outcome in ("", call.outcome)
            and self.cause in ("", call.cause)
            and (not self.key or call.key_id.endswith(self.key))
            and (self.since_us is None or call.at_us >= self.since_us)
            and (self.until_us is None or call.at_us < self.until_us)
            and digits.startswith(self.id)
            and digits.endswith(self.id_end)
        )


ANY: Final = Sought()


def sought(typed: str, now_us: int, zone: tzinfo | None = None) -> Sought:
    """What the terms ask for. Raises TypedWrong for what is no term.

    An id's beginning narrows the time as well, since ids begin with theirs.
    """
    found = ANY
    for term in typed.split():
        name, colon, value = term.partition(":")
        if not colon:
            found = _alone(found, term)
        elif name in _INSTANTS and value:
            found = _INSTANTS[name](found, ago_us(value, now_us, zone))
        elif name in _TERMS and value:
            found = _TERMS[name](found, value)
        else:
            raise TypedWrong("typed.no_term", typed=term, terms=TERMS)
    return found


def _alone(search: Sought, word: str) -> Sought:
    if word in set(Outcome):
        return replace(search, outcome=word)
    if word in _CAUSES:
        return replace(search, cause=_CAUSES[word])
    return _with_id(search, word)


def _with_id(search: Sought, word: str) -> Sought:
    begin, _, end = (
        word.lower().removeprefix(_PREFIX).replace("...", _ELLIPSIS).partition(_ELLIPSIS)
    )
    hex_only = all(char in "0123456789abcdef" for char in begin + end)
    if not hex_only or not _LEAST_DIGITS <= len(begin + end) <= _DIGITS:
        raise TypedWrong("typed.no_id", typed=word, terms=TERMS)
    first, last = (int(begin[:_TIME_DIGITS].ljust(_TIME_DIGITS, fill), 16) for fill in "0f")
    narrowed = replace(search, id=begin, id_end=end)
    if not begin:
        return narrowed
    since_us, until_us = first * 1_000, (last + 1) * 1_000
    return replace(
        narrowed,
        since_us=max(since_us, search.since_us or 0),
        until_us=until_us if search.until_us is None else min(until_us, search.until_us),
    )


def _cause(search: Sought, word: str) -> Sought:
    if word not in _CAUSES:
        raise TypedWrong("typed.no_cause", typed=word, causes=tuple(sorted(_CAUSES)))
    return replace(search, cause=_CAUSES[word])


def _outcome(search: Sought, word: str) -> Sought:
    if word not in set(Outcome):
        raise TypedWrong("typed.no_outcome", typed=word, outcomes=tuple(Outcome))
    return replace(search, outcome=word)


_CAUSES: Final[Mapping[str, str]] = {
    **{cause: cause.value for cause in Cause if cause not in (Cause.NONE, Cause.OTHER)},
    "slots": Cause.CONCURRENCY.value,
}
"""By the words that are typed for them: their own, and those of the screen."""
_TERMS: Final[Mapping[str, Callable[[Sought, str], Sought]]] = {
    "id": _with_id,
    "project": lambda search, name: replace(search, project=name),
    "model": lambda search, name: replace(search, model=name),
    "target": lambda search, name: replace(search, target=name),
    "key": lambda search, name: replace(search, key=name.lstrip(_ELLIPSIS + ".")),
    "outcome": _outcome,
    "cause": _cause,
}
_INSTANTS: Final[Mapping[str, Callable[[Sought, int], Sought]]] = {
    "since": lambda search, us: replace(search, since_us=us),
    "until": lambda search, us: replace(search, until_us=us),
}
TERMS: Final = tuple(f"{name}:" for name in (*_TERMS, *_INSTANTS))

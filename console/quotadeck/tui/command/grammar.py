"""The command line's language: what may come next, and what a whole line asks for. Pure.

A line reads as at a shell, without its dashes::

    limit analytics tpm 120k until 09:00 because nightly import
    route claude-opus-4.7 to main/gpt-4.1 for 1h because "upstream 429s"
    pause batch-embed for 30m
    pause @marked for 1h because storm
    limit analytics search rpm 50% for 30m

``@`` before a set stands for all that are in it now; several names make one change, too.

The words of a command come from its row; options with dashes are taken, too. Nothing is in force by
a line: it opens the dialog that previews it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from quotadeck.domain.nearest import nearest
from quotadeck.domain.rules import rules_of
from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.typed import TypedWrong
from quotadeck.domain.verbs import VERBS, End, Takes, Verb
from quotadeck.domain.verbs.priority import CLASSES
from quotadeck.tui.change.offers import subject_of
from quotadeck.tui.change.several import SETS, rows_of_set

_TOKEN: Final = re.compile(r"\"[^\"]*\"?|'[^']*'?|“[^”]*”?|\S+")
_QUOTES: Final = "\"'“”"
_FOR, _UNTIL, _BECAUSE, _PERMANENT, _TO = "for", "until", "because", "permanent", "to"
_MEANT: Final = {"reason": _BECAUSE}
"""Options of the shell that are called otherwise here."""
_DURATIONS: Final = ("15m", "30m", "1h", "2h", "4h")

_NAMES: Final[Mapping[SubjectKind, Callable[[Snapshot], Sequence[str]]]] = {
    SubjectKind.PROJECT: lambda snapshot: [row.id for row in snapshot.projects],
    SubjectKind.MODEL: lambda snapshot: [row.id for row in snapshot.routes],
    SubjectKind.TARGET: lambda snapshot: [row.id for row in snapshot.targets],
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A change that a line asks for. ``typed`` is what its dialog's fields hold, by their ids."""

    verb: Verb
    subjects: tuple[Subject, ...]
    typed: Mapping[str, str] = field(default_factory=dict)


def words_of(line: str) -> list[str]:
    """The line's words; quotes hold several together, also where they are not closed yet."""
    return [_bare(token) for token in _TOKEN.findall(line)]


def command_words() -> dict[str, Verb]:
    """The commands that a line can begin with: those about what the screen shows."""
    shown = {
        verb.line or verb.name: verb
        for verb in VERBS.values()
        if set(verb.about) & set(_NAMES) and verb.takes is not Takes.KEY
    }
    return shown | {verb.name: verb for verb in shown.values()}


def read(line: str, snapshot: Snapshot, marked: Sequence[Subject] = ()) -> Wanted:
    """What a whole line asks for. Raises TypedWrong, which says what should have come."""
    first, *rest = words_of(line) or [""]
    verb = command_words().get(first)
    if verb is None:
        near = nearest(first, dict.fromkeys(command_words()))
        raise TypedWrong("line.no_command", word=first, near=near)
    words = _Words(rest)
    subjects = _subjects(words, verb, snapshot, marked)
    typed: dict[str, str] = {}
    _TAKEN[verb.takes](words, verb, subjects[0], snapshot, typed)
    while (word := words.next()) is not None:
        if word == _PERMANENT:
            typed["for"] = _PERMANENT
        elif word == _FOR:
            typed["for"] = words.need("line.no_duration")
        elif word == _UNTIL:
            typed["for"] = f"{_UNTIL} {words.until_keyword('line.no_time')}"
        elif word == _BECAUSE:
            typed["reason"] = words.rest()
        else:
            raise TypedWrong("line.no_word", word=word, expects=_ENDS)
    if "for" in typed and verb.end is End.NEVER:
        raise TypedWrong("line.no_end", action=verb.name)
    return Wanted(verb, subjects, typed)


def following(line: str, snapshot: Snapshot) -> tuple[str, ...]:
    """What may stand where the line ends: whole words that begin as its last one does."""
    words = words_of(line)
    last = "" if not words or line.endswith(" ") else words.pop()
    return tuple(word for word in _expected(words, snapshot) if word.startswith(last))


def completed(line: str, word: str) -> str:
    """The line with its last word replaced by a whole one, and a blank after it."""
    last = list(_TOKEN.finditer(line))
    start = len(line) if not last or line.endswith(" ") else last[-1].start()
    return f"{line[:start]}{word} "


_ENDS: Final = (_FOR, _UNTIL, _PERMANENT, _BECAUSE)


class _Words:
    """The words that were not read yet; ``--reason`` is ``because``."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = list(words)
        self.listed = False
        """Whether a comma behind the last name says that another comes."""

    def next(self) -> str | None:
        if not self._words:
            return None
        word = self._words.pop(0).removeprefix("--")
        return _MEANT.get(word, word)

    def peek(self) -> str | None:
        return self._words[0].removeprefix("--") if self._words else None

    def need(self, kind: str) -> str:
        """The next word; TypedWrong of that kind where there is none."""
        word = self.next()
        if word is None:
            raise TypedWrong(kind)
        return word

    def name(self, kind: str) -> str:
        """The next word, which may have a comma behind it."""
        word = self.need(kind)
        self.listed = word.endswith(",")
        return word.removesuffix(",")

    def until_keyword(self, kind: str) -> str:
        """All words before the next keyword, at least one: ``tomorrow 09:00``."""
        words = [self.need(kind)]
        while (word := self.peek()) is not None and _MEANT.get(word, word) not in _ENDS:
            words.append(self.need(kind))
        return " ".join(words)

    def rest(self) -> str:
        words, self._words = self._words, []
        return " ".join(words)


def _subjects(
    words: _Words, verb: Verb, snapshot: Snapshot, marked: Sequence[Subject]
) -> tuple[Subject, ...]:
    first = words.peek() or ""
    if first.startswith("@"):
        words.next()
        if first[1:] not in SETS:
            sets = tuple(f"@{name}" for name in SETS)
            raise TypedWrong("line.no_set", word=first, sets=sets)
        found = tuple(subject_of(row) for row in rows_of_set(first[1:], snapshot, marked))
        if not found:
            raise TypedWrong("line.empty_set", word=first)
        return found
    subjects = [_subject(words, verb, snapshot)]
    known = {name for kind in verb.about if kind in _NAMES for name in _NAMES[kind](snapshot)}
    known -= {*_ENDS, _TO, *_limits(subjects[0].kind)}
    while words.listed or words.peek() in known:
        subjects.append(_subject(words, verb, snapshot))
    return tuple(dict.fromkeys(subjects))


def _subject(words: _Words, verb: Verb, snapshot: Snapshot) -> Subject:
    name = words.name("line.no_subject")
    kinds = {kind.value: kind for kind in verb.about if kind in _NAMES}
    if name in kinds:  # ``pause model gpt-4.1``: its name could be a project's, too
        kinds = {name: kinds[name]}
        name = words.name("line.no_subject")
    elif words.peek() in kinds:  # as at the shell: ``pause gpt-4.1 --model``
        kind = kinds[words.need("line.no_subject")]
        kinds = {kind.value: kind}
    for kind in kinds.values():
        if name in _NAMES[kind](snapshot):
            return Subject(kind, name)
    known = dict.fromkeys(one for kind in kinds.values() for one in _NAMES[kind](snapshot))
    raise TypedWrong("line.unknown", word=name, near=nearest(name, known))


def _limit(words: _Words, verb: Verb, subject: Subject, _: Snapshot, typed: dict[str, str]) -> None:
    del verb
    which = words.need("line.no_limit")
    fields = {rule.name: rule.field for rule in rules_of(subject.kind)}
    fields |= {str(one): one for one in fields.values()}
    if which not in fields:
        raise TypedWrong("line.which_limit", word=which, limits=_limits(subject.kind))
    typed["limit"] = fields[which]
    typed["value"] = words.need("line.no_value")


def _target(
    words: _Words, verb: Verb, subject: Subject, snapshot: Snapshot, typed: dict[str, str]
) -> None:
    del verb
    word = words.need("line.no_target")
    target = words.need("line.no_target") if word == _TO else word
    targets = _targets(subject.name, snapshot)
    if target not in targets:
        raise TypedWrong("line.which_target", word=target, targets=targets)
    typed["target"] = target


def _text(
    words: _Words, verb: Verb, subject: Subject, snapshot: Snapshot, typed: dict[str, str]
) -> None:
    del verb, subject, snapshot
    typed["value"] = words.need("line.no_text")


def _class(
    words: _Words, verb: Verb, subject: Subject, snapshot: Snapshot, typed: dict[str, str]
) -> None:
    del verb, subject, snapshot
    word = words.need("line.no_class")
    if word not in CLASSES:
        raise TypedWrong("line.which_class", word=word, classes=CLASSES)
    typed["value"] = word


def _nothing(*_: object) -> None:
    return


_TAKEN: Final[Mapping[Takes, Callable[[_Words, Verb, Subject, Snapshot, dict[str, str]], None]]] = {
    Takes.NOTHING: _nothing,
    Takes.LIMIT: _limit,
    Takes.TARGET: _target,
    Takes.TEXT: _text,
    Takes.PRIORITY: _class,
    Takes.OVERRIDE: _nothing,
}


def _expected(words: Sequence[str], snapshot: Snapshot) -> Sequence[str]:
    """What may stand after whole words."""
    if not words:
        return sorted({verb.line or verb.name for verb in command_words().values()})
    verb, kind, after = command_words().get(words[0]), None, list(words[1:])
    if verb is None:
        return ()
    kinds = [one for one in verb.about if one in _NAMES]
    if after and any(after[0] == one.value for one in kinds):
        kinds = [one for one in kinds if one.value == after.pop(0)]
    while after and after[0].endswith(","):
        after.pop(0)
    if not after:
        sets = (f"@{name}" for name in SETS if verb.takes is not Takes.TARGET)
        return [*sorted(name for one in kinds for name in _NAMES[one](snapshot)), *sets]
    if after[0].startswith("@"):
        return _expected_after(verb, SubjectKind.PROJECT, after, snapshot)
    kind = next((one for one in kinds if after[0] in _NAMES[one](snapshot)), None)
    if kind is None:
        return ()
    names = set(_NAMES[kind](snapshot))
    while after[1:] and after[1] in names:
        after.pop(0)
    return _expected_after(verb, kind, after, snapshot)


def _expected_after(
    verb: Verb, kind: SubjectKind, words: Sequence[str], snapshot: Snapshot
) -> Sequence[str]:
    """What may stand behind the subject, the first of ``words``."""
    name, *rest = words
    rest = [word.removeprefix("--") for word in rest]
    if verb.takes is Takes.LIMIT:
        if not rest:
            return _limits(kind)
        if len(rest) == 1:
            return ("50%", "x2")
        rest = rest[2:]
    elif verb.takes in _ONE_WORD:
        if not rest:
            return _ONE_WORD[verb.takes]
        rest = rest[1:]
    elif verb.takes is Takes.TARGET:
        if not rest:
            return (_TO,)
        if rest == [_TO]:
            return _targets(name, snapshot)
        rest = rest[2 if rest[0] == _TO else 1 :]
    last = rest[-1] if rest else ""
    if last == _FOR:
        return _DURATIONS
    if last in (_UNTIL, _BECAUSE) or _BECAUSE in rest or "reason" in rest:
        return ()
    ends = () if verb.end is End.NEVER or set(rest) & set(_ENDS) else _ENDS[:3]
    return (*ends, _BECAUSE)


_ONE_WORD: Final[Mapping[Takes, tuple[str, ...]]] = {Takes.TEXT: (), Takes.PRIORITY: CLASSES}
"""What a command takes in one word, and the words that there are to choose from."""


def _limits(kind: SubjectKind) -> tuple[str, ...]:
    return tuple(rule.name for rule in rules_of(kind))


def _targets(model: str, snapshot: Snapshot) -> tuple[str, ...]:
    return next((row.targets for row in snapshot.routes if row.id == model), ())


def _bare(token: str) -> str:
    return token.strip(_QUOTES) if token[0] in _QUOTES else token

"""A state in words: the same on the screen and in the commands."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from quotadeck.domain.ages import share
from quotadeck.domain.cause import Cause
from quotadeck.domain.notice import Fact
from quotadeck.domain.state import HELD_MONEY, NOT_COVERED, Held, State, StateKind, Urgency
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.words import has, text


@dataclass(frozen=True, slots=True)
class Words:
    """``word`` and ``when`` say what and since when, or until when; ``why`` tells the facts."""

    mark: str
    word: str
    when: str
    when_short: str
    why: str

    def fitted(self, cells: int) -> tuple[str, str]:
        """The word and the longest of its times that fits into ``cells`` beside it."""
        for when in (self.when, self.when_short):
            if len(self.word) + 1 + len(when) <= cells:
                return self.word, when
        return self.word, ""

    @property
    def line(self) -> str:
        """``cut off 3m: gpt-4.1 is paused, 13 of 13 refused``"""
        return text("state.line", word=self.word, when=self.when, why=self.why)


MARKS: Final = {Urgency.TROUBLE: "!", Urgency.ATTENTION: "~", Urgency.CALM: " "}


def words_of(held: Held, now_ms: int, now_us: int) -> Words:
    """The words of what holds, at the reader's present on the sender's clocks.

    A beginning is an age (``throttled 3m``), an end is what is left (``paused 42m left``, short
    ``paused −42m``).
    """
    facts = _facts(held, now_ms, now_us)
    kind, why = _KINDS.get(held.kind, _plain)(held)
    when, short = _when(held, facts)
    return Words(
        "‖" if held.kind is StateKind.PAUSED else MARKS[held.urgency],
        text(f"state.{kind}", **facts),
        when,
        short,
        text(f"why.{why}", **facts) if why else "",
    )


def briefs_of(held: Held, refused: str, row: Subject | None = None) -> tuple[str, ...]:
    """Why, in the few cells of a ``row``, from the shortest on: ``rpm 54/m``, ``429``.

    None where the word says it. ``refused`` is what was refused of the row in the last 60 s, as a
    figure; empty for none.
    """
    if row is not None and held.who == str(row):
        held = replace(held, who="")  # the row's own limit
    _, why = _KINDS.get(held.kind, _plain)(held)
    if held.kind is StateKind.SPENT:
        why = "spent" if refused else ""
    kind = f"brief.{why}"
    if not has(kind):
        kind = f"brief.{why.partition('.')[0]}.other"
    name = Subject.parse(held.who).name.rpartition("/")[2]
    facts = {"cause": held.cause, "name": name}
    forms = [text(one, **facts) for one in (f"{kind}.shortest", kind) if has(one)]
    if refused and has(kind):
        forms.append(text(kind, **facts, refused=refused))
    return tuple(dict.fromkeys(forms))


def lines_of(state: State, now_ms: int, now_us: int) -> list[str]:
    """All of a state in sentences: its word, what stands behind it, what was cleared last."""
    held = [one for one in (state, *state.others) if one.kind is not StateKind.OK]
    return [words_of(one, now_ms, now_us).line for one in held] + cleared_words(state, now_ms)


def cleared_words(state: State, now_ms: int) -> list[str]:
    """``storm is over since 40s``; empty where nothing was cleared lately."""
    if state.cleared is None or state.cleared_ms is None:
        return []
    return [text("state.cleared", kind=state.cleared, ago_ms=now_ms - state.cleared_ms)]


def cleared_short(state: State, now_ms: int) -> str:
    """``✓storm 40s``: what is over, and for how long."""
    if state.cleared is None or state.cleared_ms is None:
        return ""
    return text("state.cleared_short", kind=state.cleared, ago_ms=now_ms - state.cleared_ms)


def _facts(held: Held, now_ms: int, now_us: int) -> dict[str, Fact]:
    return {
        "cause": held.cause,
        "name": Subject.parse(held.who).name,
        "count": held.count,
        "asked": held.asked,
        "share": share(held.count, held.asked),
        "times": min(9_999, held.asked // max(1, held.asked - held.count)),
        "ratio": min(9_999, held.count // max(1, held.asked)),
        "over_ms": held.over_ms or None,
        "left_ms": None if held.until_us is None else (held.until_us - now_us) // 1_000,
        "ago_ms": now_ms - (held.last_ms or 0),
        "since_ms": None if held.since_ms is None else now_ms - held.since_ms,
        "refused": held.count or None,
    }


def _when(held: Held, facts: dict[str, Fact]) -> tuple[str, str]:
    if held.kind is StateKind.OK:
        return "", ""
    if held.kind is StateKind.PAUSED and held.until_us is not None:
        return text("when.left", **facts), text("when.left_short", **facts)
    if held.kind is StateKind.FAILING and _is_silent(held):
        return text("when.ago", **facts), text("when.ago_short", **facts)
    since = text("when.since", **facts) if held.since_ms is not None else ""
    return since, since


def _is_silent(held: Held) -> bool:
    """Failing, and nobody has asked since."""
    return held.count == 0 and held.asked == 0


def _known(kind: str, cause: str, otherwise: str) -> str:
    """The sentence of the cause, or the one for all others."""
    return f"{kind}.{cause}" if has(f"why.{kind}.{cause}") else f"{kind}.{otherwise}"


def _plain(held: Held) -> tuple[str, str]:
    return held.kind, ""


def _unserved(held: Held) -> tuple[str, str]:
    return "unserved", _known("unserved", held.cause, "other")


def _cut_off(held: Held) -> tuple[str, str]:
    return "cut_off", "key_revoked" if held.cause == Cause.KEY_REVOKED else "model_paused"


def _limited(held: Held) -> str:
    """Whose limit: of the row itself, of a target, of nobody."""
    by = "target" if Subject.parse(held.who).kind is SubjectKind.TARGET else "own"
    return _known("refused_by", held.cause, by)


def _failing(held: Held) -> tuple[str, str]:
    if held.count:
        return "failing", _known("failing", held.cause, "other")
    if _is_silent(held):
        return "failed", _known("failed", held.cause, "other")
    return "recovering", "recovering"


def _near(held: Held) -> tuple[str, str]:
    if held.cause == HELD_MONEY:
        return "money_held", "money_held"
    return "near", "near_budget" if held.cause == Cause.BUDGET else "near"


def _paused(held: Held) -> tuple[str, str]:
    if not (held.who or held.count):
        return "paused", ""
    return "paused", ("cuts_off" if held.who else "refused")


_KINDS: Final[dict[StateKind, Callable[[Held], tuple[str, str]]]] = {
    StateKind.UNSERVED: _unserved,
    StateKind.CUT_OFF: _cut_off,
    StateKind.STORM: lambda held: ("storm", _limited(held)),
    StateKind.FAILING: _failing,
    StateKind.SPENT: lambda held: (
        "spent",
        "not_covered" if held.cause == NOT_COVERED else "spent",
    ),
    StateKind.REJECTED: lambda held: ("rejected", _known("rejected", held.cause, "other")),
    StateKind.THROTTLED: lambda held: ("throttled", _limited(held)),
    StateKind.SLOW: lambda _: ("slow", "slow"),
    StateKind.SPENDING: lambda _: ("spending", "spending"),
    StateKind.NEAR: _near,
    StateKind.PAUSED: _paused,
    StateKind.OTHER: lambda _: ("other", "other"),
}
"""The kinds of a state's word and of its reason."""

"""What a screen may say, by the ledger alone: written without a look at how states are judged.

A frame's words about a project are held against the calls that the ledger has of the ten seconds
before it (or the last ten, where those reach further back), since the last change of what refuses
them. `contradictions` returns the frames whose words the calls deny.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from quotadeck.domain.days import micros

SECOND_US: Final = 1_000_000
GRACE_US: Final = 1_300_000
"""A reading is a second old at most, and made in a moment."""
WRONG: Final = ("invalid", "never_fits", "key_revoked")
RATES: Final = ("rpm", "tpm", "concurrency", "target_rpm", "target_tpm", "budget")


@dataclass(frozen=True)
class Frame:
    """What was said of a project at an instant."""

    at_us: int
    project: str
    word: str


@dataclass(frozen=True)
class Fact:
    """A call as the ledger has it."""

    at_us: int
    end_us: int
    refused: bool
    failed: bool
    cause: str

    @classmethod
    def of(cls, call: Mapping[str, Any]) -> "Fact":
        refused = call["outcome"] == "refused"
        failed = call["outcome"] in ("upstream_error", "unknown")
        at_us = micros(call["at"])
        return cls(at_us, at_us + call["total_ms"] * 1_000, refused, failed, call["cause"])


def contradictions(
    frames: Iterable[Frame],
    calls: Mapping[str, Sequence[Mapping[str, Any]]],
    changes: Mapping[str, Sequence[int]],
    spent_out: Mapping[str, Sequence[tuple[int, int]]],
) -> list[str]:
    """``changes`` are the instants at which something that refuses a project was changed;
    ``spent_out`` the spans in which its whole budget was spent."""
    facts = {
        name: sorted(map(Fact.of, rows), key=lambda f: f.at_us) for name, rows in calls.items()
    }
    told = []
    for frame in frames:
        why = _denied(
            frame,
            facts.get(frame.project, []),
            changes.get(frame.project, ()),
            any(a <= frame.at_us <= b for a, b in spent_out.get(frame.project, ())),
        )
        if why:
            told.append(f"{frame.project} {frame.word!r} at {frame.at_us}: {why}")
    return told


@dataclass(frozen=True)
class _Known:
    """The ledger as a frame could know it: since the last change of what refuses the project."""

    now: int
    decided: list[Fact]
    """Since that change, until the frame."""
    ended: list[Fact]
    """Forwarded calls that had ended, whatever was changed."""
    no_money: bool

    @property
    def recent(self) -> list[Fact]:
        return [fact for fact in self.decided if fact.at_us > self.now - 10 * SECOND_US]

    @property
    def present(self) -> list[Fact]:
        return self.recent if len(self.recent) >= 10 else self.decided[-10:]

    def settled(self, fact: Fact) -> bool:
        """Long enough ago for the frame to have known."""
        return fact.at_us <= self.now - GRACE_US

    def through(self, since_us: int = 0) -> bool:
        return any(not f.refused and self.settled(f) and f.at_us > since_us for f in self.decided)


def _denied(frame: Frame, facts: list[Fact], changes: Sequence[int], no_money: bool) -> str:
    now = frame.at_us
    if any(0 <= now - change < GRACE_US for change in changes):
        return ""
    since = max((change for change in changes if change <= now), default=0)
    known = _Known(
        now,
        [fact for fact in facts if since < fact.at_us <= now],
        [fact for fact in facts if not fact.refused and fact.end_us <= now],
        no_money,
    )
    rule = _RULES.get(frame.word.partition(" ")[0])
    return rule(known) if rule else "no such word"


def _ok(known: _Known) -> str:
    asked = [fact for fact in known.recent if known.settled(fact)]
    if asked and all(fact.refused for fact in known.recent):
        return f"{len(asked)} asked in ten seconds, none admitted"
    old = [fact for fact in known.ended if fact.end_us <= known.now - GRACE_US]
    newest = sorted(old, key=lambda fact: fact.end_us)[-3:]
    after = [fact for fact in known.ended if fact.end_us > known.now - GRACE_US]
    if len(newest) == 3 and all(fact.failed for fact in (*newest, *after)):
        return "the last three calls failed"
    return ""


def _spent(known: _Known) -> str:
    if known.no_money:
        return ""
    budget = [fact for fact in known.decided if fact.cause == "budget"]
    if not budget:
        return "the budget refused nothing since its change"
    return "calls go through since" if known.through(budget[-1].at_us) else ""


def _cut_off(known: _Known) -> str:
    cut = any(fact.cause in ("paused", "key_revoked") for fact in known.present)
    return "" if cut or not known.through() else "only admitted calls"


def _limited(known: _Known) -> str:
    last = max((f.at_us for f in known.decided if f.cause in RATES), default=None)
    if last is None:
        return "no limit refused anything since the change"
    silent = known.now - last > 10 * SECOND_US + GRACE_US
    # Whoever asks rarely and never gets in is throttled all the same.
    return "no refusal for ten seconds" if silent and known.through(last) else ""


def _fails(known: _Known) -> str:
    lately = [fact for fact in known.ended if fact.end_us > known.now - 10 * SECOND_US]
    if lately and not any(fact.failed for fact in lately):
        return "everything went well for ten seconds"
    return "" if any(fact.failed for fact in known.ended) else "nothing has failed"


def _recovering(known: _Known) -> str:
    newest = max(known.ended, key=lambda fact: fact.end_us, default=None)
    return "" if newest and not newest.failed else "the newest call did not go well"


def _rejected(known: _Known) -> str:
    wrong = sum(fact.cause in WRONG for fact in known.present)
    return "" if wrong * 2 > len(known.present) else f"only {wrong} of {len(known.present)} invalid"


def _paused(known: _Known) -> str:
    return "calls go through" if known.through() else ""


_RULES: Final[Mapping[str, Callable[[_Known], str]]] = {
    "ok": _ok,
    "rpm": _ok,
    "tpm": _ok,
    "budget": _ok,
    "spent": _spent,
    "cut": _cut_off,
    "throttled": _limited,
    "storm": _limited,
    "fails": _fails,
    "failed": _fails,
    "recovering": _recovering,
    "rejected": _rejected,
    "paused": _paused,
}
"""By the first part of the word."""

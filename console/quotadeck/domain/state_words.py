"""A state in words: the same on the screen and in the commands."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from quotadeck.domain.ages import age, remaining, share
from quotadeck.domain.calls import Cause
from quotadeck.domain.money import usd_short
from quotadeck.domain.state import HELD_MONEY, NOT_COVERED, Held, Kind, State, Urgency
from quotadeck.domain.subject import Subject, SubjectKind


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
        head = f"{self.word} {self.when}".rstrip()
        return f"{head}: {self.why}" if self.why else head


MARKS: Final = {Urgency.TROUBLE: "!", Urgency.ATTENTION: "~", Urgency.CALM: " "}


def words_of(held: Held, now_ms: int, now_us: int) -> Words:
    """The words of what holds, at the reader's present on the sender's clocks.

    A beginning is an age (``throttled 3m``), an end is what is left (``paused 42m left``, short
    ``paused −42m``).
    """
    word, why = _WORDED[held.kind](held, now_ms, now_us)
    when = when_short = age(now_ms - held.since_ms) if held.since_ms is not None else ""
    mark = MARKS[held.urgency]
    if held.kind is Kind.OK:
        when = when_short = ""
    elif held.kind is Kind.PAUSED:
        mark = "‖"
        if held.until_us is not None:
            left = remaining(held.until_us - now_us)
            when, when_short = f"{left} left", f"−{left}"
    elif held.kind is Kind.FAILING and _silent(held):
        when = f"{age(now_ms - (held.last_ms or 0))} ago"
        when_short = when.removesuffix(" ago")
    return Words(mark, word, when, when_short, why)


def lines_of(state: State, now_ms: int, now_us: int) -> list[str]:
    """All of a state in sentences: its word, what stands behind it, what was cleared last."""
    held = [one for one in (state, *state.others) if one.kind is not Kind.OK]
    return [words_of(one, now_ms, now_us).line for one in held] + cleared_words(state, now_ms)


def cleared_words(state: State, now_ms: int) -> list[str]:
    """``storm is over since 40s``; empty where nothing was cleared lately."""
    if state.cleared is None or state.cleared_ms is None:
        return []
    return [f"{_name(state.cleared)} is over since {age(now_ms - state.cleared_ms)}"]


def cleared_short(state: State, now_ms: int) -> str:
    """``✓storm 40s``: what is over, and for how long."""
    if state.cleared is None or state.cleared_ms is None:
        return ""
    return f"✓{_name(state.cleared)} {age(now_ms - state.cleared_ms)}"


def _name(kind: Kind) -> str:
    return kind.replace("_", " ")


def _silent(held: Held) -> bool:
    """Failing, and nobody has asked since."""
    return held.count == 0 and held.asked == 0


def _unserved(held: Held, _now_ms: int, _now_us: int) -> tuple[str, str]:
    whys = {
        "ledger": "the gateway cannot write its ledger, and forwards nothing",
        "draining": "the gateway is going down, and takes no new requests",
    }
    if held.cause == Cause.UNRECORDED:
        return "unserved", f"the ledger fails, {_refused(held)}"
    return "unserved", whys.get(held.cause, held.cause)


def _cut_off(held: Held, _now_ms: int, now_us: int) -> tuple[str, str]:
    name = Subject.parse(held.who).name
    if held.cause == Cause.KEY_REVOKED:
        return "cut off", f"key {name} is revoked, {_refused(held)}"
    left = f" ({remaining(held.until_us - now_us)} left)" if held.until_us is not None else ""
    return "cut off", f"{name} is paused{left}, {_refused(held)}"


def _storm(held: Held, _now_ms: int, _now_us: int) -> tuple[str, str]:
    times = min(9_999, held.asked // max(1, held.asked - held.count))
    return f"storm ×{times}", f"by {_limit(held)}, {_refused(held)}"


def _failing(held: Held, now_ms: int, _now_us: int) -> tuple[str, str]:
    cause = _CAUSES.get(held.cause, held.cause.replace("_", " "))
    if held.count:
        counts = f"{held.count} of {held.asked} failed"
        return f"fails {share(held.count, held.asked)}", f"{cause}, {counts}"
    if _silent(held):
        return "failed", f"when last asked: {cause}"
    ago = age(now_ms - (held.last_ms or 0))
    return "recovering", f"{held.asked} went well since the last failure {ago} ago"


def _spent(held: Held, _now_ms: int, now_us: int) -> tuple[str, str]:
    what = "today's budget is spent"
    if held.cause == NOT_COVERED:
        what = "what is left today covers no request"
    anew = f", anew in {remaining(held.until_us - now_us)}" if held.until_us is not None else ""
    return "spent", f"{what}{anew}" + (f", {_refused(held)}" if held.count else "")


def _rejected(held: Held, _now_ms: int, _now_us: int) -> tuple[str, str]:
    wrong = _WRONG.get(held.cause, "are invalid")
    return "rejected", f"{held.count} of {held.asked} requests {wrong}"


def _throttled(held: Held, _now_ms: int, _now_us: int) -> tuple[str, str]:
    return "throttled", f"by {_limit(held)}, {_refused(held)}"


def _near(held: Held, _now_ms: int, _now_us: int) -> tuple[str, str]:
    if held.cause == HELD_MONEY:
        return "money held", "requests under way hold what is left of today's budget"
    used = f"{held.count:,} of {held.asked:,} {held.cause} in {held.over_ms // 1_000}s"
    if held.cause == Cause.BUDGET:
        used = f"{usd_short(held.count)} of today's {usd_short(held.asked)}"
    return f"{held.cause} {share(held.count, held.asked)}", used


def _paused(held: Held, _now_ms: int, _now_us: int) -> tuple[str, str]:
    refused = _refused(held) if held.count else ""
    cuts = f"cuts off {held.who}" if held.who else ""
    return "paused", ", ".join(part for part in (cuts, refused) if part)


def _ok(_held: Held, _now_ms: int, _now_us: int) -> tuple[str, str]:
    return "ok", ""


def _other(_held: Held, _now_ms: int, _now_us: int) -> tuple[str, str]:
    return "see gateway", "the gateway is newer, and says what is not known here"


_WORDED: Final[dict[Kind, Callable[[Held, int, int], tuple[str, str]]]] = {
    Kind.UNSERVED: _unserved,
    Kind.CUT_OFF: _cut_off,
    Kind.STORM: _storm,
    Kind.FAILING: _failing,
    Kind.SPENT: _spent,
    Kind.REJECTED: _rejected,
    Kind.THROTTLED: _throttled,
    Kind.NEAR: _near,
    Kind.PAUSED: _paused,
    Kind.OK: _ok,
    Kind.OTHER: _other,
}
_CAUSES: Final[dict[str, str]] = {
    Cause.UPSTREAM_429: "its upstream answers 429",
    Cause.UPSTREAM_AUTH: "its upstream refuses our key",
    Cause.UPSTREAM_5XX: "its upstream answers 5xx",
    Cause.UNREACHABLE: "its upstream cannot be reached",
    Cause.TIMEOUT: "its upstream does not answer in time",
    Cause.BROKEN_REPLY: "its upstream cuts or garbles replies",
}
_WRONG: Final[dict[str, str]] = {
    Cause.UPSTREAM_4XX: "are invalid, says the upstream",
    Cause.NEVER_FITS: "are larger than a limit of it ever lets through",
    Cause.KEY_REVOKED: "come with a revoked key",
}
_LIMITS: Final[dict[str, str]] = {
    Cause.CONCURRENCY: "slots",
    Cause.CROWDED: "the gateway, which holds as much as it can",
    Cause.TARGET_RPM: "rpm",
    Cause.TARGET_TPM: "tpm",
    HELD_MONEY: "money that requests under way hold",
}


def _limit(held: Held) -> str:
    """Whose limit: ``rpm`` of the row itself, ``main/opus rpm`` of a target."""
    name = _LIMITS.get(held.cause, held.cause)
    kind, owner = Subject.parse(held.who)
    owner = f"{owner} " if kind is SubjectKind.TARGET else "its "
    return name if held.cause in (HELD_MONEY, Cause.CROWDED) else owner + name


def _refused(held: Held) -> str:
    over = f" in {held.over_ms // 1_000}s" if held.over_ms else ""
    return f"{held.count} of {held.asked} refused{over}"

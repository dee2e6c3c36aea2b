"""What a manager holds of one project's quota, and what it is about to ask for. No I/O.

What is admitted is taken off here at once; the gateway moves it from the lease when the call comes.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from quotadeck.client.leased.answer import FIELDS, Granted, KnownLimit
from quotadeck.domain.lease import MONEY_PART, RATE_S
from quotadeck.domain.limits import RateLimit

NS: Final = 1_000_000_000
AHEAD_S: Final = 1.0
"""So much of what passed lately is held ahead of what comes."""
RENEW_NS: Final = 15 * NS
CALMED_NS: Final = NS // 2
TOLD_NS: Final = 2 * NS
"""While somebody waits, the gateway is told so often at least."""
APART_NS: Final = NS // 100
NOTHING_NS: Final = NS // 4
"""Between two questions: where something was given, and where nothing was."""
IDLE_NS: Final = 10 * NS
"""What nobody has asked for that long is given back."""
SPENT: Final = ("requests", "input_tokens", "output_tokens", "nano_usd")
MOST_MODELS: Final = 15
"""Told apart in one question; the rest is told together."""


class Needs(NamedTuple):
    """What a request needs of each; in the order of `FIELDS`."""

    requests: int
    tokens: int
    nano_usd: int


Spent = list[int]
"""Requests, input tokens, output tokens and nano-dollars of a model's calls."""


class Pool:
    """One project's. Instants are of the process's monotonic clock."""

    def __init__(self, project: str, now_ns: int) -> None:
        self.project = project
        self.lease = ""
        self.ends_ns = now_ns
        self.left: dict[str, int | None] = dict.fromkeys(FIELDS, 0)
        """What is leased and not yet admitted; None: no limit."""
        self.taken: dict[str, dict[str, int]] = {}
        """By reservation, of those that have not ended."""
        self.named: set[str] = set()
        """Of these, whose calls were told what to name to the gateway: there they are counted."""
        self.spent: dict[str, Spent] = {}
        """By model, what calls used that went elsewhere, and that the gateway is still to be told.
        """
        self.telling: list[dict[str, Any]] = []
        self.telling_number = 0
        """What it is being told, under this number until it has heard it."""
        self.limits: Mapping[str, KnownLimit] = {}
        """The project's limits as the gateway told them last, by field."""
        self.told_ns: int | None = None
        self.used_ns = self.renewed_ns = now_ns
        self.not_before_ns = self.there_ns = now_ns
        """When it may be asked again, and when there is enough, as far as it told."""
        self.binding = ""
        """The bucket of which the gateway had too little the last time."""
        self.refusal = ""
        """Why it gives nothing at all, in its words: nothing to be waited for."""
        self.paused = ""
        """The gateway's words about a pause, which is waited for; empty where there is none."""
        self.told_waiting = False
        """Whether the gateway was told last that somebody waits."""
        self.stale = False
        """Somebody has to know what is left now."""
        self._rate = dict.fromkeys(FIELDS, 0.0)
        self._rate_ns = now_ns

    def expired(self, now_ns: int) -> bool:
        """Whether what it holds is another's by now."""
        return bool(self.lease) and now_ns >= self.ends_ns

    def void(self) -> None:
        """The lease is over: what was not admitted of it is not there any more."""
        self.lease = ""
        self.left = {name: None if left is None else 0 for name, left in self.left.items()}

    def most(self, name: str) -> int | None:
        """What a lease may hold of a limit, as far as is known; None: no limit, or nobody knows."""
        known = self.limits.get(name)
        if known is None:
            return None
        if isinstance(known.limit, RateLimit):
            return max(1, known.limit.per_minute * RATE_S // 60)
        return (known.left + (self.left[name] or 0)) // MONEY_PART

    def needs(self, asked: Needs) -> dict[str, int]:
        """What has to be leased before such a request may go: all it needs, but no more than a
        lease may hold. The rest of a larger one is taken at the gateway, when it comes there."""
        found = {}
        for name, amount in zip(FIELDS, asked, strict=True):
            if self.left[name] is not None:
                most = self.most(name)
                found[name] = amount if most is None else min(amount, most)
        return found

    def short(self, asked: Needs, now_ns: int) -> str:
        """What is short for such a request; empty where nothing is."""
        if self.told_ns is None or not self.lease or self.expired(now_ns):
            return "requests"
        for name, amount in self.needs(asked).items():
            if amount > (self.left[name] or 0):
                return name
        return ""

    def unsure(self, asked: Needs, now_ns: int) -> str:
        """The money, where it takes more than a lease holds and nobody has told lately whether
        that is there: it is asked anew then. Empty otherwise."""
        left, told_ns = self.left["nano_usd"], self.told_ns
        if left is None or asked.nano_usd <= left:
            return ""
        if told_ns is not None and now_ns - told_ns <= TOLD_NS:
            return ""
        self.stale = True
        return "nano_usd"

    def take(self, reservation: str, asked: Needs, now_ns: int) -> None:
        """Such a request goes, under that name."""
        self._age(now_ns)
        took = {}
        for name, amount in zip(FIELDS, asked, strict=True):
            self._rate[name] += amount
            left = self.left[name]
            if left is not None:
                took[name] = min(amount, left)
                self.left[name] = left - took[name]
        self.taken[reservation] = took
        self.used_ns = now_ns

    def ended(self, reservation: str, *, back: bool) -> None:
        """One that went has ended; ``back``: it was never sent, so that all of it is here again."""
        took = self.taken.pop(reservation, None)
        self.named.discard(reservation)
        if took and back and self.lease:
            for name, amount in took.items():
                left = self.left[name]
                if left is not None:
                    self.left[name] = left + amount

    def spend(self, model: str, used: Spent) -> None:
        """A call went elsewhere than to the gateway, and used that."""
        if model not in self.spent and len(self.spent) >= MOST_MODELS:
            model = ""
        known = self.spent.setdefault(model, [0, 0, 0, 0])
        self.spent[model] = [was + more for was, more in zip(known, used, strict=True)]

    def tells(self) -> dict[str, Any]:
        """What calls used elsewhere, to be sent; the same again until it was `heard`."""
        if not self.telling and self.spent:
            self.telling_number += 1
            self.telling = [
                dict(zip(("model", *SPENT), (model[:80], *used), strict=True))
                for model, used in self.spent.items()
            ]
            self.spent = {}
        if not self.telling:
            return {}
        return {"used": self.telling, "used_number": self.telling_number}

    def heard(self) -> None:
        """The gateway has it."""
        self.telling = []

    @property
    def untold(self) -> bool:
        return bool(self.telling or self.spent)

    def lacks(self, line: Iterable[Needs], now_ns: int) -> tuple[dict[str, int], dict[str, int]]:
        """What to ask for beyond what is here: for all that wait and what is likely to come, and
        for the first of them at least. Nothing where there is enough."""
        self._age(now_ns)
        first: dict[str, int] = {}
        want = dict.fromkeys(FIELDS, 0)
        for asked in line:
            if not first:
                first = {
                    name: need - (self.left[name] or 0) for name, need in self.needs(asked).items()
                }
            for name, amount in zip(FIELDS, asked, strict=True):
                want[name] += amount
        more = {}
        for name, left in self.left.items():
            if left is None:
                continue
            ahead = int(self._rate[name] * AHEAD_S)
            if want[name] > left or left * 2 < ahead:
                more[name] = want[name] + ahead - left
        least = {name: max(0, lack) for name, lack in first.items()}
        return (more, least) if any(more.values()) else ({}, {})

    def kept(self) -> dict[str, int]:
        """All that can be of use of what the lease holds: what is left, and what those under way
        have not drawn yet, at most."""
        return {
            name: left + sum(took.get(name, 0) for took in self.taken.values())
            for name, left in self.left.items()
            if left is not None
        }

    def runs_low(self) -> bool:
        """Whether it is time to ask for more, although nobody waits."""
        return any(
            left is not None and left * 2 < self._rate[name] * AHEAD_S
            for name, left in self.left.items()
        )

    def due(self, now_ns: int, *, waiting: bool, lacking: bool) -> str:
        """What is to be done now: ``lease``, ``renew``, ``back``; or nothing."""
        if now_ns < self.not_before_ns:
            return ""
        idle = not waiting and not self.taken and now_ns - self.used_ns >= IDLE_NS
        if not self.lease:
            return "lease" if waiting or self.untold or (lacking and not idle) else ""
        if idle and not self.untold:
            return "back"
        now = lacking or self.stale or now_ns >= self._renew_ns(waiting=waiting)
        return "renew" if now else ""

    def next_ns(self, now_ns: int, *, waiting: bool, lacking: bool) -> int | None:
        """When to look again; None where only somebody who comes changes anything."""
        if now_ns < self.not_before_ns:
            return self.not_before_ns
        if not self.lease:
            return None
        if lacking or self.stale:
            return now_ns
        renew_ns = self._renew_ns(waiting=waiting)
        return renew_ns if waiting or self.taken else min(renew_ns, self.used_ns + IDLE_NS)

    def _renew_ns(self, *, waiting: bool) -> int:
        """When the gateway is told again: soon where it believes that somebody waits."""
        soon = self.told_waiting or self.untold
        often = CALMED_NS if soon and not waiting else TOLD_NS if waiting else RENEW_NS
        return self.renewed_ns + often

    def given(self, granted: Granted, asked_ns: int, now_ns: int) -> None:
        """The gateway's answer to a question of that instant: it lives so long from then on."""
        if granted.lease != self.lease:
            self.void()
            self.lease = granted.lease
        for name, more in granted.more.items():
            held = granted.held[name]
            # Of a new day's money a lease may hold less than it did of the last one's.
            if more is None or held is None:
                self.left[name] = None
            else:
                self.left[name] = min(held, (self.left[name] or 0) + more)
        self.ends_ns = asked_ns + granted.lives_ms * 1_000_000
        self.renewed_ns = self.told_ns = asked_ns
        self.limits = granted.limits
        self.refusal, self.paused, self.stale = "", "", False
        self.binding = granted.binding
        if self.binding:
            self.lacking(granted.wait_ms, now_ns)
        else:
            apart_ns = APART_NS if any(granted.more.values()) else NOTHING_NS
            self.not_before_ns = now_ns + apart_ns

    def lacking(self, wait_ms: int | None, now_ns: int) -> None:
        """There is not enough before then. Who waits is told to the gateway meanwhile."""
        self.wait(wait_ms, now_ns)
        self.there_ns = self.not_before_ns
        self.not_before_ns = min(self.there_ns, now_ns + TOLD_NS)

    def wait(self, wait_ms: int | None, now_ns: int) -> None:
        """Ask again then; where no time was told, in a second."""
        self.not_before_ns = now_ns + min(wait_ms or 1_000, 60_000) * 1_000_000

    def _age(self, now_ns: int) -> None:
        """What passed fades: the rates are of a second, about."""
        passed_s = (now_ns - self._rate_ns) / NS
        self._rate_ns = now_ns
        if passed_s > 0:
            fades = 0.5 ** min(60.0, passed_s)
            for name in FIELDS:
                self._rate[name] *= fades

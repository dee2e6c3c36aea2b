"""One project's lease as its manager sees it: what is left of it, and what to ask for next. No I/O.

An admitted request is taken off here at once. The gateway takes it off the lease when its call
comes there, which then *draws* on the lease.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from quotadeck.client.leased.answer import FIELDS, Granted, KnownLimit
from quotadeck.domain.lease import MONEY_PART, RATE_S
from quotadeck.domain.limits import RateLimit

if TYPE_CHECKING:
    from quotadeck.client.reservation import Charge

NS: Final = 1_000_000_000
AHEAD_S: Final = 1.0
"""As much as was admitted in about the last second is leased ahead of what comes."""
RENEW_NS: Final = 15 * NS
"""A lease in use is renewed at least so often: it lives a minute."""
TOLD_NS: Final = 2 * NS
"""While requests wait, the gateway is told who at least so often."""
CALMED_NS: Final = NS // 2
"""When none waits any more, or use is to be told, the gateway learns of it after so long."""
APART_NS: Final = NS // 100
"""The least time between two questions, where the last one was given something."""
NOTHING_NS: Final = NS // 4
"""The same, where it was given nothing."""
IDLE_NS: Final = 10 * NS
"""A lease that no request has used for so long is given back."""
SPENT: Final = ("requests", "input_tokens", "output_tokens", "nano_usd")
MOST_MODELS: Final = 14
"""Models that are told apart in one question; the use of all others is told together."""


class Needs(NamedTuple):
    """What a request takes of each kind of limit, in the order of `FIELDS`."""

    requests: int
    tokens: int
    nano_usd: int


Spent = list[int]
"""What calls of one model used, in the order of `SPENT`; without the last where nobody here knows
its price: then it is the gateway's."""


class Pool:
    """To be used under the core's lock. Instants are of the process's monotonic clock, in ns."""

    def __init__(self, project: str, now_ns: int) -> None:
        self.project = project
        self.lease = ""
        self.ends_ns = now_ns
        self.strays: dict[str, int] = {}
        """Leases that were found to be over, and until when they may live at the gateway all the
        same: they are to be given back."""
        self.asked, self.asked_ns, self.tries = False, now_ns, 0
        """Whether a question about it is under way, when the last one began, and how many in a row
        had no answer."""
        self.left: dict[str, int | None] = dict.fromkeys(FIELDS, 0)
        """What is leased and not admitted yet, by field; None: the project has no such limit."""
        self.taken: dict[str, dict[str, int]] = {}
        """What each reservation that has not ended took of the lease, by field."""
        self.named: set[str] = set()
        """The reservations whose ``headers`` were read, or whose call a gateway has answered: it
        counts their calls itself."""
        self.spent: dict[tuple[str, int], Spent] = {}
        """What calls used that went elsewhere, by model: the gateway is still to be told of it."""
        self.telling: list[dict[str, Any]] = []
        self.telling_number = 0
        """What it is being told, and the number it is told under, until it has answered."""
        self.tell_ns = self.heard_ns = now_ns
        """When it may be told at all, and when the gateway has heard something the last time."""
        self.limits: Mapping[str, KnownLimit] = {}
        """The project's limits as the gateway told them last, by field."""
        self.told_ns: int | None = None
        self.used_ns = self.renewed_ns = now_ns
        self.not_before_ns = self.there_ns = now_ns
        """When it may be asked again, and when there is enough, as far as it told."""
        self.binding = ""
        """The bucket of which the gateway had too little the last time; empty: of none."""
        self.refusal = ""
        """Why it gives nothing at all, in its words: nothing to be waited for."""
        self.paused = ""
        """The gateway's words about a pause, which is waited for; empty where there is none."""
        self.told_waiting = False
        """Whether the gateway was told last that somebody waits."""
        self.stale = False
        """Whether a request needs to know what the gateway has left now."""
        self._rate = dict.fromkeys(FIELDS, 0.0)
        self._rate_ns = now_ns

    def expired(self, now_ns: int) -> bool:
        """Whether the lease has run out: what it held may be another's by now."""
        return bool(self.lease) and now_ns >= self.ends_ns

    def void(self) -> None:
        """The lease is over: nothing more is admitted of it."""
        self.lease = ""
        self.left = {name: None if left is None else 0 for name, left in self.left.items()}
        # The next lease holds nothing of what was taken of this one.
        self.taken = {reservation: {} for reservation in self.taken}

    def over(self) -> None:
        """The same, of one that may live at the gateway all the same: it is given back."""
        if self.lease:
            self.strays[self.lease] = self.ends_ns
        self.void()

    def most(self, name: str) -> int | None:
        """What a lease may hold of a limit, as far as is known; None: no limit, or nobody knows."""
        known = self.limits.get(name)
        if known is None:
            return None
        if isinstance(known.limit, RateLimit):
            return max(1, known.limit.per_minute * RATE_S // 60)
        return (known.left + (self.left[name] or 0)) // MONEY_PART

    def needs(self, asked: Needs) -> dict[str, int]:
        """What has to be left of the lease to admit such a request, by field.

        All that it needs, but no more than a lease may hold: what a larger request needs beyond
        that, the gateway takes from the project's buckets when its call comes there.
        """
        found = {}
        for name, amount in zip(FIELDS, asked, strict=True):
            if self.left[name] is not None:
                most = self.most(name)
                found[name] = amount if most is None else min(amount, most)
        return found

    def short(self, asked: Needs, now_ns: int) -> str:
        """The first field of which too little is left for such a request; empty: it may go."""
        if self.told_ns is None or not self.lease or self.expired(now_ns):
            return "requests"
        for name, amount in self.needs(asked).items():
            if amount > (self.left[name] or 0):
                return name
        return ""

    def unsure(self, asked: Needs, now_ns: int) -> str:
        """``nano_usd``, where the request takes more money than is left of the lease, and the
        gateway has not told lately whether it has that: it is asked anew then. Else empty."""
        left, told_ns = self.left["nano_usd"], self.told_ns
        if left is None or asked.nano_usd <= left:
            return ""
        if told_ns is not None and now_ns - told_ns <= TOLD_NS:
            return ""
        self.stale = True
        return "nano_usd"

    def take(self, reservation: str, asked: Needs, now_ns: int) -> None:
        """Admit such a request, under its reservation's id."""
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
        """An admitted request has ended; ``back``: it was never sent, so it used nothing."""
        took = self.taken.pop(reservation, None)
        self.named.discard(reservation)
        if took and back and self.lease:
            for name, amount in took.items():
                left = self.left[name]
                if left is not None:
                    self.left[name] = left + amount

    def settled(self, reservation: str, model: str, charge: "Charge") -> bool:
        """An admitted request has ended with this charge; whether the gateway is to be told it.
        Of a cost of 0 nobody here knows more: then it is the gateway's to tell."""
        is_untold = reservation in self.taken and reservation not in self.named
        if is_untold:
            cost = [charge.cost_nano] if charge.cost_nano else []
            self.spend(model, [1, charge.input_tokens, charge.output_tokens, *cost])
        self.ended(reservation, back=False)
        return is_untold

    def spend(self, model: str, used: Spent) -> None:
        """A call that went elsewhere than to the gateway has used this."""
        of = model, len(used)
        if of not in self.spent and len(self.spent) >= MOST_MODELS:
            of = "", len(used)
        known = self.spent.get(of, [0] * len(used))
        self.spent[of] = [was + more for was, more in zip(known, used, strict=True)]

    def tells(self) -> dict[str, Any]:
        """The members of a question that tell what calls used elsewhere; none: an empty dict.

        They stay the same, under the same number, until the gateway has `heard` them.
        """
        if not self.telling and self.spent:
            self.telling_number += 1
            self.telling = [
                dict(zip(("model", *SPENT), (model[:80], *used), strict=False))
                for (model, _), used in self.spent.items()
            ]
            self.spent = {}
        if not self.telling:
            return {}
        return {"used": self.telling, "used_number": self.telling_number}

    def heard(self, now_ns: int) -> None:
        """The gateway has booked what it was told."""
        self.telling = []
        self.heard_ns = now_ns

    @property
    def tells_ns(self) -> int:
        """When to tell of more: each time is a record in the gateway's ledger for each model."""
        return max(self.tell_ns, self.heard_ns + CALMED_NS)

    def tell_after(self, wait_ms: int, now_ns: int) -> None:
        """Tell nothing before then: the gateway has refused to hear it."""
        self.tell_ns = now_ns + wait_ms * 1_000_000

    def forget_used(self) -> None:
        """Give up telling it."""
        self.telling, self.spent = [], {}

    @property
    def calls_untold(self) -> int:
        """How many calls the gateway is still to be told of."""
        telling: int = sum(row["requests"] for row in self.telling)
        return telling + sum(used[0] for used in self.spent.values())

    @property
    def untold(self) -> bool:
        """Whether the gateway is still to be told of calls that went elsewhere."""
        return bool(self.telling or self.spent)

    def lacks(self, line: Iterable[Needs], now_ns: int) -> tuple[dict[str, int], dict[str, int]]:
        """What to ask for beyond what is left: ``more`` for all in ``line`` and those likely to
        come, and the ``least`` that lets the first of them go. Both are empty where enough is left.
        """
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

    def kept(self, *, told: bool = True) -> dict[str, int]:
        """What the lease must go on holding, by field: what is left of it, all that requests under
        way may still draw, and what was used elsewhere unless it is ``told`` beside this. The
        gateway takes back the rest."""
        untold = list(self.spent.values())
        if not told:
            untold += [[row.get(name, 0) for name in SPENT] for row in self.telling]
        used = [Needs(row[0], row[1] + row[2], sum(row[3:]))._asdict() for row in untold]
        return {
            name: left + sum(took.get(name, 0) for took in (*self.taken.values(), *used))
            for name, left in self.left.items()
            if left is not None
        }

    def runs_low(self) -> bool:
        """Whether less is left than half of what is usually leased ahead."""
        return any(
            left is not None and left * 2 < self._rate[name] * AHEAD_S
            for name, left in self.left.items()
        )

    def next(self, now_ns: int, *, waiting: bool, lacking: bool) -> tuple[str, int]:
        """What to ask of the gateway next, and when.

        ``lease``; ``renew``; ``back``, to give a lease back; ``tell``, to tell without a lease what
        was used; or "", where only a new request changes the answer.
        """
        found: list[tuple[int, str]] = []
        idle_ns = self.used_ns + IDLE_NS
        if self.lease:
            if not (waiting or self.taken or self.untold):
                found.append((idle_ns, "back"))
            soon = lacking or self.stale
            found.append((now_ns if soon else self._renew_ns(waiting=waiting), "renew"))
        elif waiting or (lacking and now_ns < idle_ns):
            found.append((now_ns, "lease"))
        elif self.untold:
            found.append((self.tells_ns, "tell"))
        if self._strays(now_ns):
            found.append((now_ns, "back"))
        if not found:
            return "", now_ns
        at_ns, what = min(found, key=lambda each: max(each[0], now_ns))
        return what, max(at_ns, self.not_before_ns)

    def last(self, now_ns: int) -> tuple[str, int]:
        """The same where the manager is closed or gone: all is told first, and given back then."""
        if self.untold:
            return "tell", self.tell_ns if self.tell_ns - now_ns <= 10 * NS else now_ns
        return ("back", now_ns) if self.lease or self._strays(now_ns) else ("", now_ns)

    def _strays(self, now_ns: int) -> bool:
        self.strays = {lease: ends for lease, ends in self.strays.items() if ends > now_ns}
        return bool(self.strays)

    def to_give_back(self) -> str:
        """The lease to give back now. Nothing more is admitted of it."""
        if not self.strays:
            self.over()
        return next(iter(self.strays))

    def _renew_ns(self, *, waiting: bool) -> int:
        """When a lease is to be renewed: soon where the gateway believes what is no longer so."""
        often = TOLD_NS if waiting else CALMED_NS if self.told_waiting else RENEW_NS
        at_ns = self.renewed_ns + often
        return min(at_ns, self.tells_ns) if self.untold and not waiting else at_ns

    def given(self, granted: Granted, asked_ns: int, now_ns: int) -> None:
        """Take in an answer. The lease lives from the instant at which it was asked for."""
        if granted.lease in self.strays:  # it was found to be over while it was renewed
            return
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
        """Ask again after that, a minute at most; where no time was told, in a second."""
        self.not_before_ns = now_ns + min(wait_ms or 1_000, 60_000) * 1_000_000

    def _age(self, now_ns: int) -> None:
        """Let the rates fade, by half each second: they are about what the last second took."""
        passed_s = (now_ns - self._rate_ns) / NS
        self._rate_ns = now_ns
        if passed_s > 0:
            fades = 0.5 ** min(60.0, passed_s)
            for name in FIELDS:
                self._rate[name] *= fades

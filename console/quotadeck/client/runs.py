"""A run: a job with money, requests and a lifetime of its own, which stops by itself."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from quotadeck.client.errors import RunEnded
from quotadeck.client.quotas import must_be_name, nano_of
from quotadeck.client.report import RunUsage
from quotadeck.client.terms import NO_BUDGET_NANO
from quotadeck.domain.clock import Clock
from quotadeck.domain.limits import NEVER_US, BudgetLimit, Take
from quotadeck.limiter import Money
from quotadeck.limiter.at_once import complete

if TYPE_CHECKING:
    from decimal import Decimal

    from quotadeck.client.core import Core

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_NS: Final = 1_000_000_000
RUNS_KEPT: Final = 64
"""How many runs that are over a report still shows."""
_OF_A_RUN: Final = "run"
"""In the place of a day: the money of a run is for all of it."""


class RunTerms:
    """What binds a run's requests beside the limits of their projects (a `Bound`).

    It ends by its lifetime, by `close`, or when what is left of its money or requests refuses one.
    """

    def __init__(
        self,
        name: str,
        number: str,
        clock: Clock,
        tell: "Callable[[RunTerms], None]",
        *,
        budget: "str | int | Decimal | None",
        requests: int | None,
        lifetime: "str | float | timedelta | None",
    ) -> None:
        if requests is not None and (type(requests) is not int or requests < 1):
            raise ValueError(f"requests must be a whole number from 1 on, or None: {requests!r}")
        self.name, self._clock, self._tell = name, clock, tell
        self.budget_nano = None if budget is None else nano_of(budget)
        self.requests = requests
        self.ends_ns = (
            None if lifetime is None else clock.monotonic_ns() + int(seconds_of(lifetime) * _NS)
        )
        self._ended, self._closed = "", False
        self.last: RunUsage | None = None
        """What it had used when its buckets were dropped; None as long as they are there."""
        self.requests_key = f"run:{name}.{number}:requests"
        self.money_key = f"run:{name}.{number}:budget"
        most = NO_BUDGET_NANO if requests is None else requests
        nano = NO_BUDGET_NANO if self.budget_nano is None else self.budget_nano
        self._request = Take(self.requests_key, 1, BudgetLimit(most, _OF_A_RUN, NEVER_US))
        self._money = BudgetLimit(nano, _OF_A_RUN, NEVER_US)
        self.days: Final = {self.requests_key: _OF_A_RUN, self.money_key: _OF_A_RUN}

    @property
    def has_budget(self) -> bool:
        """Whether its money has a limit."""
        return self.budget_nano is not None

    @property
    def ended(self) -> str:
        """Why it admits nothing any more; empty as long as it does."""
        over = self.ends_ns is not None and self._clock.monotonic_ns() >= self.ends_ns
        return "its lifetime is over" if over and not self._ended else self._ended

    def end(self, why: str) -> None:
        """Admit nothing from now on, and wake who waits; of several reasons the first counts."""
        if not self._ended:
            self._ended = self.ended or why
            self._tell(self)

    @property
    def is_over(self) -> bool:
        """Whether another run may take its name: it was ended, or its lifetime is over.

        One whose money or requests are used up keeps it: asked for again it has no more of them.
        """
        by_time = self.ends_ns is not None and self._clock.monotonic_ns() >= self.ends_ns
        return by_time or self._closed

    def close(self) -> None:
        """Admit nothing from now on, and leave the name to the next run."""
        self._closed = True
        self.end("it was ended")

    def is_as(self, other: "RunTerms") -> bool:
        """Whether both were made with the same money and requests."""
        return (self.budget_nano, self.requests) == (other.budget_nano, other.requests)

    def usage(self, money: Mapping[str, Money]) -> RunUsage:
        """Its usage, by what the limiter counts in its buckets."""
        if self.last is not None:
            return self.last
        made = money.get(self.requests_key, Money())
        spent = money.get(self.money_key, Money())
        left_s = None
        if self.ends_ns is not None:
            left_s = max(0.0, (self.ends_ns - self._clock.monotonic_ns()) / _NS)
        return RunUsage(
            self.name,
            made.spent_nano,
            made.held_nano,
            self.requests,
            spent.spent_nano,
            spent.held_nano,
            self.budget_nano,
            left_s,
            self.ended,
        )

    def must_go_on(self) -> None:
        """Raises RunEnded where it admits nothing any more."""
        if why := self.ended:
            raise RunEnded(self.name, why)

    def takes(self, _tokens: int, cost_nano: int) -> list[Take]:
        """What a request of this size takes: one of its requests, and money."""
        return [self._request, Take(self.money_key, cost_nano, self._money)]

    def charged(self, _tokens: int, cost_nano: int) -> tuple[tuple[str, int], ...]:
        """See `Bound.charged`: only money depends on what was used."""
        return ((self.money_key, cost_nano),)

    def ran_short(self, bucket: str, left: int, held: int, asked: int) -> None:
        """Raises RunEnded where its own bucket has refused, and what is held would not help.

        That ends the run for all: what is left would serve small requests and not others.
        """
        if bucket == self.requests_key:
            self.end(f"all {self.requests} requests are made")
        elif bucket == self.money_key and left + held < asked <= (self.budget_nano or 0):
            self.end(f"its budget has {left / 1e9:.6g} USD left, {asked / 1e9:.6g} USD were asked")
        self.must_go_on()


def open_run(
    core: "Core",
    name: str,
    budget: "str | int | Decimal | None",
    requests: int | None,
    lifetime: "str | float | timedelta | None",
) -> RunTerms:
    """A new run, or the one of that name that goes on. Raises ValueError where that one has other
    limits, and for what is no limit."""
    must_be_name("a run", name)
    fresh = RunTerms(
        name,
        core.new_name(),
        core.clock,
        core.waiting.wake_all,
        budget=budget,
        requests=requests,
        lifetime=lifetime,
    )
    with core.lock:
        known = core.runs.get(name)
        if known is None or known.is_over:
            _forget_some(core, name)
            known = core.runs[name] = fresh
        elif not known.is_as(fresh):
            raise ValueError(
                f"run {name} goes on, with other limits than these: end() it first, or give them "
                "to a run of another name"
            )
        return known


def _forget_some(core: "Core", name: str) -> None:
    """Drop the run of that name, and the oldest of those that are over: a program may make a run
    for each request that it serves."""
    over = [each for each, run in core.runs.items() if run.is_over and each != name]
    for each in (*over[: max(0, len(over) - RUNS_KEPT)], name):
        run = core.runs.pop(each, None)
        if run is not None:
            run.last = run.usage(complete(core.limiter.money(run.days)))
            core.limiter.drop(run.days)


def end_run(core: "Core", run: RunTerms) -> None:
    """Let it admit nothing from now on; requests that wait are woken and told."""
    with core.lock:
        run.close()


def seconds_of(lifetime: "str | float | timedelta") -> float:
    """Of ``"90s"``, ``"1h"``, ``"1h30m"``, seconds, or a timedelta. Raises ValueError."""
    if isinstance(lifetime, timedelta):
        seconds = lifetime.total_seconds()
    elif isinstance(lifetime, str):
        parts = re.fullmatch(r"(?:\d+(?:\.\d+)?[smhd])+", lifetime)
        if parts is None:
            raise ValueError(f'a lifetime is written as "90s", "1h30m" or 3600, not {lifetime!r}')
        each = re.findall(r"(\d+(?:\.\d+)?)([smhd])", lifetime)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in each)
    else:
        seconds = float(lifetime)
    if not 0 < seconds < 1e9:
        raise ValueError(f"a lifetime of {seconds} s is none")
    return seconds

"""What both managers and their runs share: all but how a request waits."""

from collections.abc import Mapping
from dataclasses import replace
from types import EllipsisType
from typing import TYPE_CHECKING, Any, NoReturn

from quotadeck.client.availability import Availability
from quotadeck.client.core import Core
from quotadeck.client.prices import Prices
from quotadeck.client.quotas import Asked, Estimate, Quota, estimate_of, priority_of
from quotadeck.client.want import Bound, Want
from quotadeck.clock import MachineClock
from quotadeck.domain.clock import Clock
from quotadeck.domain.limits import MAX_WINDOW_S, REQUEST_WINDOW_S, TOKEN_WINDOW_S, Priority

if TYPE_CHECKING:
    from decimal import Decimal

    from quotadeck.client.prices import Told
    from quotadeck.client.report import RunUsage, UsageReport
    from quotadeck.client.runs import RunTerms

LIFETIME_S = 600.0
"""How long a reservation may stay open; after that it is charged as estimated."""


class Asking:
    """What a manager and its runs share: the state, and what binds each request beyond it."""

    _core: Core
    _beyond: tuple[Bound, ...] = ()

    def _want(
        self,
        project: str,
        estimate: Asked,
        priority: Priority | str | None,
        timeout_s: float | None = None,
    ) -> Want:
        return self._core.want(
            project,
            estimate,
            None if priority is None else priority_of(priority),
            timeout_s,
            self._beyond,
        )

    def check(
        self, project: str, estimate: Asked = 0, priority: Priority | str | None = None
    ) -> Availability:
        """What is left of each limit and how long such a request would wait; takes nothing.

        Raises PriceUnknown or RunEnded; TypeError or ValueError for what is no estimate.
        """
        for bound in self._beyond:
            bound.must_go_on()
        # An Estimate is looked at where it is not the one of a check before.
        asked = estimate if type(estimate) is Estimate else estimate_of(estimate)
        wanted = None if priority is None else priority_of(priority)
        return self._core.check(project, asked, wanted, self._beyond)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a quota manager holds what is used in this process and cannot be pickled or copied: "
            "make one in each process, or one with gateway=, which they share"
        )


class Running(Asking):
    """A run: its requests are bound by its own limits beside those of their projects.

    It ends when its budget, its requests or its lifetime are used up, when ``end`` is called, or
    when its ``with`` is left: what still waits and whoever comes then gets RunEnded.
    """

    def __init__(self, core: Core, terms: "RunTerms") -> None:
        self._core, self._terms = core, terms
        self._beyond = (terms,)

    @property
    def name(self) -> str:
        return self._terms.name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {self.ended or 'goes on'}>"

    @property
    def ended(self) -> str:
        """Why it lets nothing pass; empty where it does."""
        return self._terms.ended

    def usage(self) -> "RunUsage":
        """What it has used so far, of what it may."""
        from quotadeck.client.accounts import usage_of_run

        return usage_of_run(self._core, self._terms)

    def end(self) -> None:
        """Admit nothing from now on; what is under way may still be settled."""
        from quotadeck.client.runs import end_run

        end_run(self._core, self._terms)


class Managing(Asking):
    """A manager's limits and reports; how one waits is the subclass's."""

    def __init__(
        self,
        rpm_limit: int | None = 50,
        tpm_limit: int | None = 200_000,
        daily_budget: "str | int | Decimal | None" = 1_000,
        burst_window: int = REQUEST_WINDOW_S,
        *,
        concurrency: int | None = None,
        token_window: int = TOKEN_WINDOW_S,
        zone: str = "UTC",
        prices: "Mapping[str, Told] | None" = None,
        unknown_price: "Told | None" = "10.00",
        lifetime_s: float = LIFETIME_S,
        clock: Clock | None = None,
        gateway: str = "",
        key: str = "",
        name: str = "",
        core: Core | None = None,
    ) -> None:
        """``rpm_limit``, ``tpm_limit`` and ``daily_budget`` (dollars) are the limits of everything,
        which the projects share; None is no limit. A bucket holds ``burst_window`` seconds of
        requests, and ``token_window`` of tokens. Days begin at midnight in ``zone``. ``prices`` are
        dollars per million tokens by model, one or (input, output), ``unknown_price`` is that of
        any other model; None: a request whose price nobody knows is refused where a budget binds
        it. A reservation that is open after ``lifetime_s`` seconds is charged as estimated.

        With ``gateway``, its address, and ``key``, a project's key there, the limits are the
        gateway's and the state is in it, for all processes that ask it: this one leases a part of a
        project's quota ahead of what it admits. Calls go to that gateway, with the reservation's
        ``headers``; ``name`` is what its operators see of this manager.
        """
        _must_be_of_use(burst_window, token_window, lifetime_s, zone)
        if key and not gateway:
            raise ValueError("key= is of a gateway, and gateway= is missing or empty")
        if gateway and core is None:
            from quotadeck.client.leased.core import LeasedCore

            core = LeasedCore(
                gateway,
                key,
                windows=(burst_window, token_window),
                zone=zone,
                prices=Prices(prices or {}, None),
                clock=clock or MachineClock(),
                lifetime_s=lifetime_s,
                name=name,
            )
        self._core = core or Core(
            Quota(rpm_limit, tpm_limit, daily_budget, concurrency),
            windows=(burst_window, token_window),
            zone=zone,
            prices=Prices(prices or {}, unknown_price),
            clock=clock or MachineClock(),
            lifetime_s=lifetime_s,
        )

    def set_project_quota(
        self,
        project: str,
        quota: Quota | None = None,
        *,
        rpm: int | EllipsisType | None = ...,
        tpm: int | EllipsisType | None = ...,
        budget: "str | int | Decimal | EllipsisType | None" = ...,
        concurrency: int | EllipsisType | None = ...,
        priority: Priority | str | EllipsisType = ...,
    ) -> Quota:
        """Set a project's own limits, at any time; what was used stays used.

        What is not given stays as it is, None lifts a limit; a whole `Quota` replaces all of them.
        Raises ValueError or TypeError for what is no limit; nothing changes then.
        """
        given: dict[str, Any] = {
            "rpm": rpm,
            "tpm": tpm,
            "budget": budget,
            "concurrency": concurrency,
            "priority": priority,
        }
        if not isinstance(quota, Quota | None):
            raise TypeError(f"limits have names, such as rpm={quota!r}; or give a whole Quota(…)")
        changed = {name: value for name, value in given.items() if value is not ...}
        return self._core.set_quota(project, lambda known: replace(quota or known, **changed))

    def usage_report(self) -> "UsageReport":
        """What every project used and waits for, and what is left of its limits."""
        from quotadeck.client.accounts import report_of

        return report_of(self._core)

    def close(self) -> None:
        """Give back at once what is leased of a gateway; this manager admits nothing afterwards.

        It waits for the gateway's answers, six seconds at most: a loop goes on by `aclose`. A
        program that ends by itself does so, too. Without a gateway there is nothing to close.
        """
        self._core.close()

    def __repr__(self) -> str:
        core = self._core
        limits = f"at {core.address}" if core.address else f"of {core.everything.quota}"
        return (
            f"<{type(self).__name__} {limits}; projects: {', '.join(core.projects) or 'none yet'}>"
        )


def _must_be_of_use(burst_window: int, token_window: int, lifetime_s: float, zone: str) -> None:
    """Raises ValueError at once for what would fail at the first request only."""
    for name, window in (("burst_window", burst_window), ("token_window", token_window)):
        if type(window) is not int or not 1 <= window <= MAX_WINDOW_S:
            raise ValueError(f"{name} is 1 to {MAX_WINDOW_S} whole seconds, not {window!r}")
    if not lifetime_s > 0:
        raise ValueError(f"lifetime_s is seconds above zero, not {lifetime_s!r}")
    if zone != "UTC":  # which is known without looking for it
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(zone)
        except (KeyError, TypeError, ValueError, OSError):
            raise ValueError(f'zone is a name such as "Europe/Berlin", not {zone!r}') from None

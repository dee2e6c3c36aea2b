"""Who is told of the data plane's requests. Filled in where the gateway is assembled."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from quotadeck.dialects.base import Ask, Dialect
from quotadeck.domain.calls import Call, OpenCall
from quotadeck.domain.refusals import Refusal
from quotadeck.gateway.data.arrival import Arrival
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.plan import Plan


class RefusedRequest(NamedTuple):
    """A request that we refused, with what was known of it by then.

    ``caller`` is None where nobody we know asks; with a revoked key it is whom that key was for.
    ``ask`` is None where the request was not read.
    """

    arrival: Arrival
    caller: Caller | None
    ask: Ask | None
    refusal: Refusal
    status: int
    plan: Plan
    """The one in force."""

    @property
    def project(self) -> str:
        """Whose request it is; empty where nobody knows."""
        return self.caller.project if self.caller else ""

    @property
    def model(self) -> str:
        """The model asked for where it is one of ours; any other text is nothing to keep."""
        return self.ask.model if self.ask and self.ask.model in self.plan.routes else ""


@dataclass(frozen=True, slots=True)
class Refusals:
    """Tells ``told`` of requests that we refused. ``plan`` gives the one in force."""

    plan: Callable[[], Plan]
    told: Iterable[Callable[[RefusedRequest], None]]

    def tell(
        self,
        dialect: Dialect,
        arrival: Arrival,
        caller: Caller | None,
        ask: Ask | None,
        refusal: Refusal,
    ) -> None:
        """Tell of one; parameters as of `RefusedRequest`."""
        status = dialect.refusal(refusal).status
        it = RefusedRequest(arrival, caller, ask, refusal, status, self.plan())
        for told in self.told:
            told(it)


@dataclass(frozen=True, slots=True)
class Observers:
    """Each is called in turn, as it happens; none may wait, or raise."""

    begun: tuple[Callable[[OpenCall, int], None], ...] = ()
    """A request was dispatched: its record, and the monotonic instant (ns) at which it came."""
    moved: tuple[Callable[[Call, OpenCall], None], ...] = ()
    """A dispatched request goes on elsewhere: its failed attempt as a call, and as it is open now.
    """
    ended: tuple[Callable[[Call], None], ...] = ()
    """A dispatched request ended."""
    refused: tuple[Callable[[RefusedRequest], None], ...] = ()
    """We refused a request: nothing was forwarded."""

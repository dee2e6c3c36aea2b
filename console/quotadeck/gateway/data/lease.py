"""A lease as the gateway keeps it: whose it is, until when, and what the limiter knows it by."""

from typing import NamedTuple

from quotadeck.admission.leasing import Leasable
from quotadeck.domain.lease import Amounts, LeaseRow
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.lease_asked import LeaseAsk


class Lease:
    """One that lives. ``parts`` are the limits of which it holds something; ``drawn``, by field,
    is what calls have drawn."""

    __slots__ = (
        *("begun", "caller", "calls", "drawn", "id", "manager", "number", "parts", "since_ns"),
        *("since_us", "until_ns", "until_us", "whose"),
    )

    def __init__(
        self, identity: str, caller: Caller, ask: LeaseAsk, now_us: int, now_ns: int
    ) -> None:
        self.id = identity
        self.caller = caller
        self.manager, self.whose = ask.manager, ask.whose
        """The name that people see, and by what its manager is known again."""
        self.since_us, self.since_ns = now_us, now_ns
        self.until_us, self.until_ns = now_us, now_ns
        self.begun = False
        """Whether anybody was told of it: not while it is filled for the first time."""
        self.number = 0
        self.parts: tuple[Leasable, ...] = ()
        self.drawn: dict[str, int] = {}
        self.calls = 0

    def of(self, ask: LeaseAsk) -> None:
        """Its manager says anew who it is, where it says so."""
        self.manager, self.whose = ask.manager or self.manager, ask.whose or self.whose

    @property
    def reservation(self) -> str:
        """What the limiter knows it by: another one each time that it holds something else."""
        return f"{self.id}.{self.number}"

    @property
    def all_drawn(self) -> tuple[int, ...]:
        """In the order of `Amounts`."""
        return tuple(self.drawn.get(field, 0) for field in Amounts._fields)

    def row(self, held: Amounts, now_ns: int) -> LeaseRow:
        """As it is read."""
        return LeaseRow(
            self.id,
            self.caller.project,
            self.caller.key_id,
            self.manager,
            self.since_us,
            self.until_us,
            (now_ns - self.since_ns) // 1_000_000,
            self.calls,
            *held,
            *self.all_drawn,
        )


class Held(NamedTuple):
    """A lease as it lives now. ``wait_ms`` is until it can hold the least that was asked, 0 where
    it does; None where no time can be told."""

    lease: Lease
    held: Amounts
    granted: Amounts
    wait_ms: int | None
    binding: str = ""
    """The bucket for which it waits."""

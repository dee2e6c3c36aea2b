"""A reservation: what an admitted request holds until it is settled with what it really used."""

from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self

from quotadeck.client.errors import NotSettled
from quotadeck.client.quotas import Estimate

if TYPE_CHECKING:
    from quotadeck.client.core import Core
    from quotadeck.client.want import Want


class Charge(NamedTuple):
    """What a request was charged, in tokens and nano-dollars. ``estimated``: what it was estimated
    at, because nobody settled it."""

    input_tokens: int
    output_tokens: int
    cost_nano: int
    estimated: bool = False


class Reservation:
    """Ends exactly once: settled, released, or charged as estimated.

    As a context manager, ``with`` or ``async with``: left without being settled it is charged as
    estimated; left by an error it is released, unless the request was ``sent``. One that is
    forgotten is charged as estimated.
    """

    __slots__ = ("__weakref__", "_charge", "_core", "_sent", "_want", "id", "waited_s")

    def __init__(self, core: "Core", want: "Want", name: str, waited_s: float) -> None:
        self._core, self._want = core, want
        self.id = name
        self.waited_s = waited_s
        """Seconds in the line before it was admitted; 0 where it was at once."""
        self._sent = False
        self._charge: Charge | None = None

    @property
    def project(self) -> str:
        return self._want.project.name

    @property
    def estimate(self) -> Estimate:
        return self._want.estimate

    @property
    def charge(self) -> Charge | None:
        """What it was charged: zeros where it was released, None as long as it has not ended."""
        return self._charge

    @property
    def ended(self) -> bool:
        return self._charge is not None

    @property
    def headers(self) -> "dict[str, str]":
        """What its call has to send to the gateway that holds the state: the project, and the lease
        that it draws on. Empty where the state is in this process."""
        return self._core.headers(self._want, self.id)

    def sent(self) -> None:
        """Say that the request is on its way: an error from now on is charged as estimated."""
        self._sent = True

    def settle(
        self,
        used: Any = None,
        output_tokens: int | None = None,
        *,
        cost_nano: int | None = None,
        model: str = "",
    ) -> Charge:
        """End with what was really used.

        ``used`` is a reply of an official SDK, a dict of one, a `Usage`, a number of tokens, or of
        input tokens beside ``output_tokens``; None: as estimated. ``cost_nano`` is what it cost,
        where that is known better than by the price of ``model`` (of the estimate's, or the reply's
        own). Where it had ended already nothing happens, and the answer is what it was charged.
        Raises NotSettled where ``used`` tells no usage, or a number is none; it is not ended then.
        """
        if self._charge is not None:
            return self._charge
        if cost_nano is not None and (type(cost_nano) is not int or cost_nano < 0):
            raise NotSettled(f"cost_nano is whole nano-dollars from 0 on, not {cost_nano!r}")
        if used is None and output_tokens is None and cost_nano is None:
            return self._ends(self._want.as_estimated())
        from quotadeck.client.usage import usage_of

        usage, said = usage_of(used, output_tokens)
        if cost_nano is None:
            known = self._core.cost_nano(model or self._want.estimate.model or said, usage)
            cost_nano = self._want.cost_nano if known is None else known
        return self._ends(Charge(usage.input_tokens, usage.output_tokens, cost_nano))

    def release(self) -> None:
        """End without a charge: nothing was sent."""
        if self._charge is None:
            self._charge = Charge(0, 0, 0)
            self._core.release(self._want, self.id)

    def _ends(self, charge: Charge) -> Charge:
        self._charge = charge
        self._core.settle(self._want, self.id, charge)
        return charge

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._charge is None:
            if kind is None or self._sent:
                self.settle()
            else:
                self.release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)

    def __del__(self) -> None:
        # Without the lock: the collector may come while this very thread holds it.
        if self._charge is None:
            self._charge = self._want.as_estimated()
            self._core.ended(self._want, self.id, self._charge)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a reservation belongs to the manager that made it and cannot be pickled")

    def __repr__(self) -> str:
        state = "open" if self._charge is None else "ended"
        return f"<Reservation {self.id} of {self.project}, {state}>"

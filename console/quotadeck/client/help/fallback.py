"""Another model where the first is limited, fails or is late: in order, within one deadline.

What is wrong with the request itself surfaces at once: no other model would take it. A stream's
fallback ends where it begins: what was shown to somebody is not begun anew.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from quotadeck.client.help.awaited import answered
from quotadeck.client.help.failures import Kind, failure_of

T = TypeVar("T")
MOVES_ON: Final = frozenset({
    Kind.LIMITED, Kind.NO_MONEY, Kind.LATE, Kind.NOT_REACHED, Kind.FAILED,
})  # fmt: skip


class Moved(NamedTuple):
    """A model that did not serve, why, and how long that took."""

    model: str
    error: BaseException
    took_s: float


@dataclass(frozen=True, slots=True)
class Served(Generic[T]):
    """``value`` is what the call gave; ``model`` is the one that served it."""

    value: T
    model: str
    moved: tuple[Moved, ...] = ()

    @property
    def step(self) -> int:
        """How many models were moved away from."""
        return len(self.moved)


class NoneServed(Exception):
    """Every model failed, or the deadline passed. ``moved`` tells of each; the last error is its
    cause."""

    def __init__(self, moved: tuple[Moved, ...], models: Sequence[str]) -> None:
        told = "; ".join(
            f"{one.model}: {_told(one.error)} after {one.took_s:.1f} s" for one in moved
        )
        left = ", ".join(models[len(moved) :])
        more = f"; no time was left for {left}" if left else ""
        super().__init__(f"no model served ({told}{more})")
        self.moved = moved


@dataclass(frozen=True, slots=True)
class Fallback:
    """The models, best first. All of them together take ``deadline_s`` seconds at most.

    Each is given its share of what is left, so that one that hangs leaves time for the rest, the
    last one all of it. Raises ValueError without a model.
    """

    models: Sequence[str]
    deadline_s: float = 60.0

    def __post_init__(self) -> None:
        if isinstance(self.models, str) or not self.models or self.deadline_s <= 0:
            raise ValueError("a fallback needs a list of models, and a deadline above zero")
        object.__setattr__(self, "models", tuple(self.models))

    def run(
        self, call: Callable[[str, float], T], clock: Callable[[], float] = time.monotonic
    ) -> Served[T]:
        """What ``call(model, timeout_s)`` gives for the first model that serves.

        The call keeps its timeout itself, as the SDKs do (``timeout=``). Raises NoneServed, or at
        once what another model would not change.
        """
        end_s, moved = clock() + self.deadline_s, list[Moved]()
        for model in self.models:
            began_s = clock()
            if moved and began_s >= end_s:
                break
            try:
                value = call(model, self._share(end_s - began_s, len(moved)))
                return Served(answered(value, "run_async"), model, tuple(moved))
            except Exception as error:
                if failure_of(error).kind not in MOVES_ON:
                    raise
                moved.append(Moved(model, error, clock() - began_s))
        raise NoneServed(tuple(moved), self.models) from moved[-1].error

    async def run_async(
        self,
        call: Callable[[str, float], Awaitable[T]],
        clock: Callable[[], float] = time.monotonic,
    ) -> Served[T]:
        """As `run`; what is awaited is cancelled when its time has passed."""
        end_s, moved = clock() + self.deadline_s, list[Moved]()
        for model in self.models:
            began_s = clock()
            if moved and began_s >= end_s:
                break
            timeout_s = self._share(end_s - began_s, len(moved))
            try:
                async with asyncio.timeout(timeout_s):
                    return Served(await call(model, timeout_s), model, tuple(moved))
            except Exception as error:
                if failure_of(error).kind not in MOVES_ON:
                    raise
                moved.append(Moved(model, error, clock() - began_s))
        raise NoneServed(tuple(moved), self.models) from moved[-1].error

    def _share(self, left_s: float, tried: int) -> float:
        return left_s / (len(self.models) - tried)


def _told(error: BaseException) -> str:
    failure = failure_of(error)
    return f"{failure.kind} {failure.status or ''}".strip()

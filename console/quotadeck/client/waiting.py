"""The lines of all projects, and which of their heads is woken when a bucket is given something."""

from collections.abc import Collection, Iterator, Mapping

from quotadeck.client.heads import Heads
from quotadeck.client.line import Line, Waiter
from quotadeck.client.reservation import Charge
from quotadeck.client.terms import money_of
from quotadeck.client.want import Bound, Want
from quotadeck.domain.clock import Clock
from quotadeck.domain.limits import SlotLimit
from quotadeck.limiter import BucketState, MemoryLimiter
from quotadeck.limiter.at_once import complete


class Waiting:
    """Only heads are woken, and of those that wait for one bucket one at a time.

    None depends on it: each wakes by itself at its turn. Being woken only makes it earlier. What
    woke a head that then did not take it, for whatever reason, is passed on to the next.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.heads = Heads()
        self.lines: dict[str, Line[Want]] = {}
        """The lines in which somebody waits, by project."""
        self._flowing: set[str] = set()
        """Buckets that were given something, and at which no head was refused since."""

    def join(self, waiter: Waiter[Want]) -> Waiter[Want] | None:
        """Stand in the project's line; the head that was displaced by that, if one was."""
        project = waiter.wants.project
        self.lines[project.name] = project.line
        displaced = project.line.join(waiter)
        if displaced is not None:
            self._pass_on(displaced.binding)
        return displaced

    def leave(self, waiter: Waiter[Want]) -> None:
        """Leave the project's line; who is the head by that is woken."""
        project = waiter.wants.project
        was_head = project.line.head is waiter
        after = project.line.leave(waiter)
        if after is not None:
            after.wake()
        self.goes_on(waiter)
        if not len(project.line):
            self.lines.pop(project.name, None)
        if was_head:
            self._pass_on(waiter.binding)

    def goes_on(self, waiter: Waiter[Want]) -> None:
        """The waiter has a turn, waits for money or is no head: it holds up nobody any longer."""
        _wake(self.heads.go(waiter))

    def stands(self, waiter: Waiter[Want], bucket: str) -> None:
        """The head has no turn, or another goes first there: it stands at this bucket."""
        _wake(self.heads.stand(waiter, bucket))
        self._binds(waiter, bucket)

    def refused(self, waiter: Waiter[Want], bucket: str) -> None:
        """The head was refused by this bucket: what came back to it is used up."""
        self._flowing.discard(bucket)
        self._binds(waiter, bucket)

    def _binds(self, waiter: Waiter[Want], bucket: str) -> None:
        before, waiter.binding = waiter.binding, bucket
        if before != bucket:
            self._pass_on(before)

    def went(self, waiter: Waiter[Want]) -> None:
        """The waiter was admitted: there may be room for the next one at the same bucket."""
        self.leave(waiter)
        _wake(self.heads.first(waiter.binding))

    def ended(self, want: Want, charge: Charge | None, limiter: MemoryLimiter) -> None:
        """A reservation was charged so much, or (None) all it held was given back: wake whoever
        waits for any of it."""
        used: dict[str, int] = {}
        if charge is not None:
            used = want.charged(charge.input_tokens + charge.output_tokens, charge.cost_nano)
        takes = want.takes()
        self.came_back(
            [
                take.key
                for take in takes
                if charge is None
                or isinstance(take.limit, SlotLimit)
                or used.get(take.key, take.amount) < take.amount
            ]
        )
        money = [bucket for bucket, _ in money_of(takes)]
        if money:
            self._is_left(complete(limiter.levels(money)))

    def came_back(self, buckets: Collection[str], by: Waiter[Want] | None = None) -> None:
        """Something was given back to these buckets, or is promised no more: wake the head that is
        due next at each, another one than who gave it up."""
        now_ns = self._clock.monotonic_ns()
        soonest: dict[str, Waiter[Want]] = {}
        for head in self._heads():
            if head.binding in buckets and head is not by and not head.waits_for_money:
                known = soonest.get(head.binding)
                if known is None or _turn(head, now_ns) < _turn(known, now_ns):
                    soonest[head.binding] = head
        self._flowing.difference_update(buckets)
        self._flowing.update(soonest)
        for head in soonest.values():
            head.wake()

    def _is_left(self, money: Mapping[str, BucketState]) -> None:
        """Held money was spent or came back: wake the heads that it is enough for, the first of
        them first, and those that it can never be enough for now."""
        left = {bucket: state.level for bucket, state in money.items()}
        asking = [head for head in self._heads() if head.money]
        for head in sorted(asking, key=lambda head: head.key):
            for bucket, asked in head.money:
                state = money.get(bucket)
                if state is None:
                    continue
                if asked > state.level + state.held:
                    head.wake()
                elif head.binding == bucket and asked <= left[bucket]:
                    left[bucket] -= asked
                    head.wake()

    def wake(self) -> None:
        """Let every head ask again. Safe at any moment: it may be called by the collector."""
        for line in tuple(self.lines.values()):
            _wake(next(iter(line), None))

    def wake_all(self, bound: Bound) -> None:
        """Let all that it binds ask again, wherever they stand in their lines."""
        for line in self.lines.values():
            for waiter in line:
                if bound in waiter.wants.beyond:
                    waiter.wake()

    def stuck(self) -> list[Waiter[Want]]:
        """The heads that cannot ask now: their lines stand still."""
        return [head for head in self._heads() if not head.lives()]

    def _heads(self) -> Iterator[Waiter[Want]]:
        for line in self.lines.values():
            if line.head is not None:
                yield line.head

    def _pass_on(self, bucket: str) -> None:
        if bucket in self._flowing:
            self.came_back((bucket,))


def _turn(head: Waiter[Want], now_ns: int) -> tuple[bool, int, int]:
    """Turns that have come are served first, then those that stand, then later turns."""
    return not 0 < head.due_ns <= now_ns, head.due_ns, head.stood


def _wake(waiter: Waiter[Want] | None) -> None:
    if waiter is not None:
        waiter.wake()

"""The upstream's own rate limits: what its x-ratelimit-* headers say, and its 429."""

from dataclasses import dataclass

from quotadeck.sim.catalogue import Model
from quotadeck.sim.errors import ApiError, RefusedError

NS_PER_MINUTE = 60_000_000_000
NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


@dataclass(slots=True)
class Meter:
    """A token bucket whose level is counted in units × 60e9, so that refilling is exact."""

    per_minute: int
    level: int
    seen_ns: int

    @classmethod
    def full(cls, per_minute: int, now_ns: int) -> "Meter":
        """A bucket that holds its minute's worth."""
        return cls(per_minute, per_minute * NS_PER_MINUTE, now_ns)

    @property
    def capacity(self) -> int:
        """The most that the level can be."""
        return self.per_minute * NS_PER_MINUTE

    def refill(self, now_ns: int) -> None:
        """Bring the level up to now."""
        gained = self.per_minute * (now_ns - self.seen_ns)
        self.level = min(self.capacity, self.level + gained)
        self.seen_ns = now_ns

    def wait_ns(self, amount: int) -> int:
        """Until `amount` fits; more than a bucket holds fits when it is full."""
        missing = min(amount * NS_PER_MINUTE, self.capacity) - self.level
        return max(0, -(-missing // self.per_minute))

    def take(self, amount: int) -> None:
        """Take it, or what there is: a limit that is not enforced never goes below zero."""
        self.level = max(0, self.level - amount * NS_PER_MINUTE)


class Limits:
    """Requests and tokens a minute for each model."""

    def __init__(self, *, enforced: bool) -> None:
        self._enforced = enforced
        self._meters: dict[str, tuple[Meter, Meter]] = {}

    def take(self, model: Model, tokens: int, now_ns: int) -> dict[str, str]:
        """Take a request and its tokens; the answer is the headers that say what is left.

        Raises:
            RefusedError: 429, where limits are enforced and one has run out.
        """
        requests, budget = self._meters_of(model, now_ns)
        requests.refill(now_ns)
        budget.refill(now_ns)
        if self._enforced:
            for name, meter, amount in (("requests", requests, 1), ("tokens", budget, tokens)):
                if wait := meter.wait_ns(amount):
                    raise _too_many(model, name, meter, amount, wait, _headers(requests, budget))
        requests.take(1)
        budget.take(tokens)
        return _headers(requests, budget)

    def _meters_of(self, model: Model, now_ns: int) -> tuple[Meter, Meter]:
        if model.id not in self._meters:
            self._meters[model.id] = (
                Meter.full(model.rpm, now_ns),
                Meter.full(model.tpm, now_ns),
            )
        return self._meters[model.id]


def _headers(requests: Meter, tokens: Meter) -> dict[str, str]:
    headers = {}
    for name, meter in (("requests", requests), ("tokens", tokens)):
        headers[f"x-ratelimit-limit-{name}"] = str(meter.per_minute)
        headers[f"x-ratelimit-remaining-{name}"] = str(meter.level // NS_PER_MINUTE)
        headers[f"x-ratelimit-reset-{name}"] = _duration(meter.wait_ns(meter.per_minute))
    return headers


def _too_many(
    model: Model, name: str, meter: Meter, amount: int, wait_ns: int, headers: dict[str, str]
) -> RefusedError:
    unit = {"requests": "RPM", "tokens": "TPM"}[name]
    used = meter.per_minute - meter.level // NS_PER_MINUTE
    message = (
        f"Rate limit reached for {model.id} in organization org-sim on {name} per min ({unit}): "
        f"Limit {meter.per_minute}, Used {used}, Requested {amount}. "
        f"Please try again in {_duration(wait_ns)}."
    )
    retry = {
        "retry-after": str(-(-wait_ns // NS_PER_S)),
        "retry-after-ms": str(-(-wait_ns // NS_PER_MS)),
    }
    return RefusedError(
        ApiError(429, message, type=name, code="rate_limit_exceeded", headers=headers | retry)
    )


def _duration(ns: int) -> str:
    """As OpenAI writes it: 120ms, 1.5s, 6m0s."""
    ms = -(-ns // NS_PER_MS)
    if ms < 1000:
        return f"{ms}ms"
    minutes, rest_ms = divmod(ms, 60_000)
    seconds = f"{rest_ms / 1000:g}s"
    return f"{minutes}m{seconds}" if minutes else seconds

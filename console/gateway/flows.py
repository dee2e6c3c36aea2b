"""What passed lately through one project or target: the live figures beside the bars."""

from console.domain.calls import REFUSAL_CAUSES, Call, Cause, Outcome
from console.domain.latency import COLUMNS, column, quantile_ms
from console.domain.snapshot import Flow
from console.gateway.windows import Window

_SECOND_NS = 1_000_000_000
_CALM_NS = 30 * _SECOND_NS
"""So long without a refusal, and the next one counts as new trouble."""
_MODELS_NS = 300 * _SECOND_NS

_REQUESTS, _TOKENS, _UPSTREAM_429, _FIRST_CAUSE = 0, 1, 2, 3
_FORWARDED, _ERRORS, _FIRST_LATENCY = 0, 1, 2
_NOT_THE_UPSTREAMS = (Cause.CLIENT_GONE, Cause.RESTART)
_CAUSE_COLUMN = {cause: _FIRST_CAUSE + index for index, cause in enumerate(REFUSAL_CAUSES)}


class Flows:
    """Sums over sliding windows; `flow` reads them as a value."""

    __slots__ = (
        "_five_minutes",
        "_hour",
        "_minute",
        "_models",
        "_refused_at_ns",
        "_refused_since_ns",
        "_ten_minutes",
        "in_flight",
    )

    def __init__(self) -> None:
        self._minute = Window(_FIRST_CAUSE + len(REFUSAL_CAUSES), _SECOND_NS, 60)
        self._five_minutes = Window(_FIRST_LATENCY + COLUMNS, 10 * _SECOND_NS, 30)
        self._ten_minutes = Window(1, 10 * _SECOND_NS, 60)
        self._hour = Window(1, 60 * _SECOND_NS, 60)
        self._models: dict[str, int] = {}
        self._refused_at_ns: int | None = None
        self._refused_since_ns: int | None = None
        self.in_flight = 0

    def admitted(self, now_ns: int, model: str) -> None:
        """A request was let through."""
        self._minute.add(now_ns, _REQUESTS, 1)
        self._models[model] = now_ns
        self.in_flight += 1

    def refused(self, now_ns: int, cause: Cause) -> None:
        """A request was refused by us."""
        self._minute.add(now_ns, _CAUSE_COLUMN[cause], 1)
        if self._refused_at_ns is None or now_ns - self._refused_at_ns > _CALM_NS:
            self._refused_since_ns = now_ns
        self._refused_at_ns = now_ns

    def ended(self, now_ns: int, call: Call) -> None:
        """An admitted request ended."""
        self.in_flight -= 1
        tokens = call.input_tokens + call.output_tokens
        if tokens:
            self._minute.add(now_ns, _TOKENS, tokens)
        if call.cause is Cause.UPSTREAM_429:
            self._minute.add(now_ns, _UPSTREAM_429, 1)
        self._five_minutes.add(now_ns, _FORWARDED, 1)
        lost = call.outcome is Outcome.UNKNOWN and call.cause not in _NOT_THE_UPSTREAMS
        if lost or call.outcome is Outcome.UPSTREAM_ERROR:
            self._five_minutes.add(now_ns, _ERRORS, 1)
        self._five_minutes.add(now_ns, _FIRST_LATENCY + column(call.total_ms), 1)
        if call.cost_nano_usd:
            self._ten_minutes.add(now_ns, 0, call.cost_nano_usd)
            self._hour.add(now_ns, 0, call.cost_nano_usd)

    def spent_before(self, at_ns: int, nano: int) -> None:
        """Spend from before this process began, told by the ledger; the oldest first."""
        self._ten_minutes.add(at_ns, 0, nano)
        self._hour.add(at_ns, 0, nano)

    def quiet(self) -> bool:
        """Nothing left in any window: the flow reads all zeros until something happens."""
        windows = (self._minute, self._five_minutes, self._ten_minutes, self._hour)
        return self.in_flight == 0 and not self._models and all(w.empty for w in windows)

    def flow(self, now_ns: int) -> Flow:
        """The figures as a value."""
        minute = self._minute.advance(now_ns)
        five = self._five_minutes.advance(now_ns)
        refused = minute[_FIRST_CAUSE:]
        most = max(range(len(refused)), key=refused.__getitem__)
        since = self._refused_since_ns
        if self._refused_at_ns is not None and now_ns - self._refused_at_ns > _CALM_NS:
            since = None
        return Flow(
            requests_60s=minute[_REQUESTS],
            tokens_60s=minute[_TOKENS],
            refused_60s=sum(refused),
            refused_cause=str(REFUSAL_CAUSES[most]) if refused[most] else "",
            refused_since_ms=since // 1_000_000 if since is not None else None,
            forwarded_5m=five[_FORWARDED],
            errors_5m=five[_ERRORS],
            spent_10m_nano=self._ten_minutes.advance(now_ns)[0],
            spent_60m_nano=self._hour.advance(now_ns)[0],
            p95_ms=quantile_ms(five[_FIRST_LATENCY:], 0.95),
            in_flight=self.in_flight,
        )

    def upstream_429_60s(self, now_ns: int) -> int:
        """Rate-limit answers of the upstream itself."""
        return self._minute.advance(now_ns)[_UPSTREAM_429]

    def models(self, now_ns: int) -> tuple[str, ...]:
        """The models asked for in the last five minutes, by name."""
        for model, at_ns in list(self._models.items()):
            if now_ns - at_ns > _MODELS_NS:
                del self._models[model]
        return tuple(sorted(self._models))

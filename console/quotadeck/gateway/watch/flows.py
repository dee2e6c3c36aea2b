"""What passed lately through one project or target: the live figures beside the bars."""

from quotadeck.domain.calls import Call, Outcome, is_unpriced
from quotadeck.domain.cause import NOT_THE_UPSTREAMS, Cause
from quotadeck.domain.commands import Field
from quotadeck.domain.latency import COLUMNS, column, quantile_ms
from quotadeck.domain.price import UNKNOWN_VERSION
from quotadeck.domain.rules import RULE_OF, RULES, Measure, Rule, Used
from quotadeck.domain.snapshot import Flow
from quotadeck.domain.subject import Subject
from quotadeck.domain.usual import Lately
from quotadeck.gateway.watch.windows import SlidingSums

_SECOND_NS = 1_000_000_000
_MODELS_NS = 300 * _SECOND_NS

_REQUESTS, _REFUSED, _UPSTREAM_429, _ENDED, _FAILED, _SPENT, _UNPRICED = range(7)
_METERED = {
    rule.field: column
    for column, rule in enumerate((r for r in RULES if r.counts and r.measure is Measure.RATE), 7)
}
"""Rates of which a request takes more than itself: a column each, filled when it ends."""
_METERS = tuple((RULE_OF[field].used, column) for field, column in _METERED.items())


def used_by(call: Call) -> Used:
    """What an ended call counts as."""
    return Used(call.usage.input_tokens, call.usage.output_tokens, call.cost_nano_usd)


class Flows:
    """Sums over sliding windows; `flow` reads them as a value."""

    __slots__ = ("_latencies", "_minute", "_models", "_ten_minutes", "in_flight")

    def __init__(self) -> None:
        self._minute = SlidingSums(7 + len(_METERED), _SECOND_NS, 60)
        self._latencies = SlidingSums(COLUMNS, 10 * _SECOND_NS, 30)
        self._ten_minutes = SlidingSums(1, 10 * _SECOND_NS, 60)
        self._models: dict[str, int] = {}
        self.in_flight = 0

    def admitted(self, now_ns: int, model: str) -> None:
        """A request was let through."""
        self._minute.slot(now_ns)[_REQUESTS] += 1
        self._models[model] = now_ns
        self.in_flight += 1

    def refused(self, now_ns: int, model: str = "") -> None:
        """A request was refused by us; ``model`` is what it asked for, if it is one of ours."""
        self._minute.slot(now_ns)[_REFUSED] += 1
        if model:
            self._models[model] = now_ns

    def ended(self, now_ns: int, call: Call, used: Used) -> None:
        """An admitted request ended; ``used`` is what was `used_by` it."""
        self.in_flight -= 1
        minute = self._minute.slot(now_ns)
        minute[_ENDED] += 1
        cost_nano = call.cost_nano_usd
        for used_of, at in _METERS:
            minute[at] += used_of(used)
        if call.outcome is not Outcome.OK:
            if call.cause is Cause.UPSTREAM_429:
                minute[_UPSTREAM_429] += 1
            lost = call.outcome is Outcome.UNKNOWN and call.cause not in NOT_THE_UPSTREAMS
            if lost or call.outcome is Outcome.UPSTREAM_ERROR:
                minute[_FAILED] += 1
        self._latencies.slot(now_ns)[column(call.total_ms)] += 1
        if cost_nano:
            minute[_SPENT] += cost_nano
            self._ten_minutes.slot(now_ns)[0] += cost_nano
        if call.price_version == UNKNOWN_VERSION and is_unpriced(call):
            minute[_UNPRICED] += 1

    def spent_before(self, at_ns: int, nano: int) -> None:
        """Spend from before this process began, told by the ledger; the oldest first."""
        self._ten_minutes.slot(at_ns)[0] += nano

    def next_ns(self) -> int | None:
        """When time alone changes what was read last; None where nothing is left to leave."""
        windows = (self._minute, self._latencies, self._ten_minutes)
        leaving = [window.next_ns for window in windows]
        leaving += (at_ns + _MODELS_NS for at_ns in self._models.values())
        return min((one for one in leaving if one is not None), default=None)

    def forgettable(self, now_ns: int) -> bool:
        """Whether nothing is left that anybody would read, and nobody is under way."""
        self.flow(now_ns)
        self.models(now_ns)
        return not self.in_flight and self.next_ns() is None

    def used(self, rule: Rule, now_ns: int) -> int:
        """What the last minute took of a rate, or what this moment takes of slots."""
        if rule.measure is Measure.SLOTS:
            return self.in_flight
        return self._minute.advance(now_ns)[_METERED.get(rule.field, _REQUESTS)]

    def flow(self, now_ns: int) -> Flow:
        """The figures as a value."""
        minute = self._minute.advance(now_ns)
        return Flow(
            requests_60s=minute[_REQUESTS],
            tokens_60s=minute[_METERED[Field.TPM]],
            refused_60s=minute[_REFUSED],
            ended_60s=minute[_ENDED],
            failed_60s=minute[_FAILED],
            spent_60s_nano=minute[_SPENT],
            spent_10m_nano=self._ten_minutes.advance(now_ns)[0],
            p95_ms=quantile_ms(self._latencies.advance(now_ns), 0.95),
            in_flight=self.in_flight,
            unpriced_60s=minute[_UNPRICED],
        )

    def lately(self, now_ns: int) -> Lately:
        """What is held against the usual of the hour."""
        latencies = self._latencies.newest(now_ns, 6)
        return Lately(
            sum(latencies),
            quantile_ms(latencies, 0.95),
            self._minute.advance(now_ns)[_SPENT],
            self._ten_minutes.advance(now_ns)[0],
        )

    def upstream_429_60s(self, now_ns: int) -> int:
        """Rate-limit answers of the upstream itself."""
        return self._minute.advance(now_ns)[_UPSTREAM_429]

    def models(self, now_ns: int) -> tuple[str, ...]:
        """The models asked for in the last five minutes, by name."""
        for model, at_ns in list(self._models.items()):
            if now_ns - at_ns >= _MODELS_NS:
                del self._models[model]
        return tuple(sorted(self._models))


class FlowsBySubject:
    """Those of projects and targets through which something passed; the others cost nothing."""

    def __init__(self) -> None:
        self._known: dict[Subject, Flows] = {}
        self._none = Flows()

    def of(self, subject: Subject) -> Flows:
        """The subject's, to add to; made at first use."""
        flows = self._known.get(subject)
        if flows is None:
            flows = self._known[subject] = Flows()
        return flows

    def seen(self, subject: Subject) -> Flows:
        """The subject's, to read and nothing else."""
        return self._known.get(subject, self._none)

    def known(self) -> list[Subject]:
        """The subjects through which something passed and that were not forgotten."""
        return list(self._known)

    def forget(self, subject: Subject) -> None:
        """As if nothing had ever passed through it."""
        self._known.pop(subject, None)

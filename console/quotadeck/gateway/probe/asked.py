"""What a probe would ask, and one call of it: by the way of all calls, so that it is on record."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from quotadeck.admission.admit import size_of
from quotadeck.admission.planned import ProjectPlan, TargetPlan
from quotadeck.admission.prepared import prepare
from quotadeck.dialects.base import Dialect
from quotadeck.domain.calls import Call
from quotadeck.domain.catalogue import Catalogue, Upstream
from quotadeck.domain.notice import NoticeError
from quotadeck.domain.probe import ProbeAsk, ProbePlan
from quotadeck.domain.refusals import Refusal, UpstreamFailed, UpstreamRefused
from quotadeck.domain.text import clean
from quotadeck.gateway.connection.body_memory import BodyMemory
from quotadeck.gateway.data.call import Calls
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.lanes import Lane, Stop
from quotadeck.gateway.plan import Plan
from quotadeck.gateway.probe.aside import Aside, Exact, Heard, Listening, OneLane
from quotadeck.gateway.probe.small import CALLS, NONSENSE, PATHS, Small
from quotadeck.gateway.upstream.client import Reply
from quotadeck.gateway.upstream.endpoint import endpoint_of

TIMEOUT_S: Final = 60.0
"""For a few tokens."""
FREE_TIMEOUT_S: Final = 10.0
"""For what no model is asked."""
_BODY_BYTES: Final = 64 * 1024
_MOST_SAID: Final = 300


class ProbeRefused(NoticeError):
    """Nothing was asked, and nothing will be."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a probe works with. ``recorded`` gives a call that has ended, off the ledger."""

    calls: Calls
    catalogue: Catalogue
    dialects: Sequence[Dialect]
    recorded: Callable[[str], Awaitable[Call | None]]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    @property
    def plan(self) -> Plan:
        return self.calls.plan()

    def speaking(self) -> Mapping[str, tuple[Dialect, str]]:
        """The forms that are served here: whose they are, and the client's path."""
        return {
            each.form: (each, path)
            for each in self.dialects
            for path in each.endpoints
            if each.form in CALLS and each.path(path) == PATHS[each.form]
        }


class Whom(NamedTuple):
    """Which model is asked, at whose expense."""

    upstream: Upstream
    target: TargetPlan
    project: ProjectPlan


class Said(NamedTuple):
    """What came of one call. ``words`` are why it is no answer; ``ours``: we did not let it go, and
    where a wait would help, for ``wait_ms``."""

    id: str
    heard: Heard
    words: str = ""
    ours: bool = False
    wait_ms: int | None = None

    @property
    def well(self) -> bool:
        return not self.words


def whom(means: Means, ask: ProbeAsk) -> Whom:
    """Raises ProbeRefused for what is not in the config."""
    plan, catalogue = means.plan, means.catalogue
    upstream = catalogue.upstreams.get(ask.upstream)
    if upstream is None:
        known = tuple(catalogue.upstreams)
        raise ProbeRefused("probe.no_upstream", name=clean(ask.upstream, 80), known=known)
    targets = [one for one in plan.targets.values() if one.target.upstream == upstream.name]
    if not targets:
        raise ProbeRefused("probe.no_target", name=upstream.name)
    if ask.model:
        named = [one for one in targets if ask.model in (one.target.model, one.target.id)]
        if not named:
            known = tuple(one.target.model for one in targets)
            raise ProbeRefused("probe.no_model", name=clean(ask.model, 80), known=known)
        targets = named
    project = plan.projects.get(ask.project or next(iter(plan.projects)))
    if project is None:
        known = tuple(plan.projects)
        raise ProbeRefused("probe.no_project", name=clean(ask.project, 80), known=known)
    cheapest = min(targets, key=lambda one: one.target.price.output_pico)
    return Whom(upstream, cheapest, project)


def foreseen(means: Means, it: Whom) -> ProbePlan:
    """How many calls there may be, and what they may cost at most. Raises ProbeRefused."""
    prepared = prepare(it.project, it.target)
    calls = most_nano = 0
    for form, (dialect, path) in means.speaking().items():
        # The usage is asked for by a few bytes more, which cost more.
        small = Small(form, stream=True, usage=form == "chat", newer=True)
        ask = dialect.parse(path, small.body(it.target.target.model), {})
        try:
            size = size_of(ask, prepared, means.calls.estimator)
        except Refusal as refusal:
            said = dialect.error(dialect.refusal(refusal).body).message
            raise ProbeRefused("probe.not_let", said=clean(said, _MOST_SAID)) from None
        calls += CALLS[form]
        most_nano += CALLS[form] * size.bound_nano
    return ProbePlan(it.upstream.name, it.target.target.id, it.project.project.id, calls, most_nano)


async def ask(means: Means, it: Whom, small: Small, name: str) -> Said:
    """One small call; its record says ``name`` where a client's own name for it stands."""
    dialect, path = means.speaking()[small.form]
    target, plan = it.target, means.plan
    body = small.body(target.target.model)
    upstream = replace(it.upstream, timeout_s=min(TIMEOUT_S, it.upstream.timeout_s))
    endpoint = endpoint_of(upstream, dialect.path(path), dialect.asks_with(upstream.key))
    stop = Stop(target, Exact(dialect, body), prepare(it.project, target), endpoint, 0, b"")
    lane = Lane(it.project, target.target.model, dialect, (stop,), plan.upstream_keys, plan.targets)
    heard = Heard()
    calls = replace(
        means.calls, lanes=OneLane(lane), upstream=Listening(means.calls.upstream, heard)
    )
    arrival = means.calls.flights.arrival()._replace(client_request_id=name)
    caller = Caller("", it.project.project.id)
    try:
        with BodyMemory(_BODY_BYTES).of(caller.project) as held:
            await calls.answer(dialect, arrival, caller, {}, Aside(path, body), held)
    except Refusal as refusal:
        said = dialect.error(dialect.refusal(refusal).body).message
        ours = not isinstance(refusal, UpstreamRefused | UpstreamFailed)
        words = clean(said, _MOST_SAID) or type(refusal).__name__
        return Said(arrival.id, heard, words, ours, refusal.wait_ms)
    return Said(arrival.id, heard)


async def ask_free(means: Means, it: Whom, path: str, method: str, form: str) -> Reply:
    """What asks no model, and so costs nothing. Raises UpstreamError."""
    spoken = next((each for each in means.dialects if each.form == form), means.dialects[0])
    upstream = replace(it.upstream, timeout_s=min(FREE_TIMEOUT_S, it.upstream.timeout_s))
    endpoint = endpoint_of(upstream, path, spoken.asks_with(upstream.key), method)
    return await means.calls.upstream.call(endpoint, NONSENSE if method == "POST" else b"", "probe")


def words_of(means: Means, reply: Reply) -> str:
    """What a reply that is no answer says, cleaned, without keys."""
    said = means.dialects[0].error(reply.body).message
    return clean(means.plan.upstream_keys.hide(said), _MOST_SAID)

"""A call: one request's record, from dispatch to its end. No prompts, no replies."""

from enum import StrEnum
from typing import Final, NamedTuple

from quotadeck.domain.cause import Cause
from quotadeck.domain.gate import Gate
from quotadeck.domain.money import usd_exact
from quotadeck.domain.price import UNKNOWN_VERSION
from quotadeck.domain.usage import NOTHING_USED, Usage


class Outcome(StrEnum):
    """How a call ended."""

    OK = "ok"
    UPSTREAM_ERROR = "upstream_error"
    CLIENT_ERROR = "client_error"
    """The upstream said that the request itself was wrong."""
    REFUSED = "refused"
    """We refused it; nothing was forwarded."""
    UNKNOWN = "unknown"
    """Forwarded, but its end was never learned: charged in full."""


class Attempt(NamedTuple):
    """One time that a call was sent to a target, and why that ended: none where it was served.

    ``http_status`` is the upstream's own, 0 where none came; ``request_id`` is its name for it.
    """

    target: str
    cause: Cause
    http_status: int
    ms: int
    request_id: str = ""


class Counted(NamedTuple):
    """What a counted run of refusals of one kind was made of.

    ``first_us`` and ``last_us`` are arrivals; ``keys`` is how many keys asked, `MAX_KEYS` standing
    for as many or more; the amounts are those asked of the binding bucket, in its unit.
    """

    first_us: int
    last_us: int
    keys: int
    asked_sum: int
    asked_most: int


MAX_KEYS: Final = 100


class OpenCall(NamedTuple):
    """What is known when a request is dispatched, and what it holds until it ends.

    ``takes`` are (bucket key, amount) as admitted: micro-units, slots or nano-dollars;
    ``held_nano_usd`` and ``held_tokens`` are charged if the end is never learned. ``attempts`` are
    those that failed before this one: see `moved`.
    """

    id: str
    at_us: int
    day: str
    project: str
    key_id: str
    priority: int
    model: str
    served_model: str
    target: str
    fallback_step: int
    estimated_input: int
    estimated_output: int
    held_tokens: int
    held_nano_usd: int
    bound_is_estimate: bool
    """No max_tokens was given: the held money is likely enough, not a bound."""
    price_version: str
    stream: bool
    retry: int
    deadline_us: int
    run_id: str
    client_request_id: str
    takes: tuple[tuple[str, int], ...]
    attempts: tuple[Attempt, ...] = ()


class Move(NamedTuple):
    """An open call goes on to another target, because an attempt failed that used up nothing else.

    ``gone`` are the (bucket key, amount) that the failed attempt left taken of the buckets that the
    call has moved away from; ``takes`` are all that it holds now. A bucket in both was settled
    with the one and taken anew with the other. The rest is as in `OpenCall`, of the new target.
    """

    id: str
    at_us: int
    """No earlier than the new buckets were taken."""
    served_model: str
    target: str
    fallback_step: int
    estimated_input: int
    estimated_output: int
    held_tokens: int
    held_nano_usd: int
    bound_is_estimate: bool
    price_version: str
    deadline_us: int
    gone: tuple[tuple[str, int], ...]
    takes: tuple[tuple[str, int], ...]
    failed: Attempt


def moved(opened: OpenCall, move: Move) -> OpenCall:
    """The call as it is open after the move; when and for whom it was dispatched stays."""
    return opened._replace(
        served_model=move.served_model,
        target=move.target,
        fallback_step=move.fallback_step,
        estimated_input=move.estimated_input,
        estimated_output=move.estimated_output,
        held_tokens=move.held_tokens,
        held_nano_usd=move.held_nano_usd,
        bound_is_estimate=move.bound_is_estimate,
        price_version=move.price_version,
        deadline_us=move.deadline_us,
        takes=move.takes,
        attempts=(*opened.attempts, move.failed),
    )


class Call(NamedTuple):
    """A call that ended, or a counted run of refusals of the same kind (``counted``).

    ``charged`` are the (bucket key, amount) that the end left taken, of the buckets in ``takes``;
    a key that is absent keeps what was admitted.
    """

    id: str
    at_us: int
    day: str
    project: str
    key_id: str
    priority: int
    model: str
    outcome: Outcome
    cause: Cause
    http_status: int
    count: int = 1  # type: ignore[assignment]  # a tuple's own way to count is not wanted
    response_id: str = ""
    run_id: str = ""
    """Of the trace that it belongs to (W3C: 32 hex digits), where the caller told it."""
    client_request_id: str = ""
    """The caller's own name for the request, where it sent one."""
    served_model: str = ""
    target: str = ""
    fallback_step: int = 0
    estimated_input: int = 0
    estimated_output: int = 0
    held_nano_usd: int = 0
    bound_is_estimate: bool = False
    cost_nano_usd: int = 0
    fees_nano_usd: int = 0
    """What of the cost was for the call itself, such as a search or what another model did for it,
    and not for its tokens."""
    price_version: str = ""
    binding: str = ""
    """The bucket that refused, with the longest wait."""
    shadowed: str = ""
    """A shadow limit's bucket that would have refused."""
    wait_ms: int | None = None
    """The wait that a refusal told; None where it told none."""
    queue_ms: int = 0
    first_byte_ms: int = 0
    total_ms: int = 0
    stream: bool = False
    retry: int = 0
    usage: Usage = NOTHING_USED
    attempts: tuple[Attempt, ...] = ()
    gates: tuple[Gate, ...] = ()
    """The buckets that refused it, the binding one first."""
    counted: Counted | None = None
    charged: tuple[tuple[str, int], ...] = ()


def known_as(call: Call, name: str) -> bool:
    """Whether that is its id, its caller's own name for it, or the trace that it belongs to."""
    return bool(name) and name in (call.id, call.client_request_id, call.run_id)


def ended(
    opened: OpenCall,
    outcome: Outcome,
    cause: Cause,
    http_status: int,
    *,
    response_id: str = "",
    cost_nano_usd: int = 0,
    fees_nano_usd: int = 0,
    shadowed: str = "",
    queue_ms: int = 0,
    first_byte_ms: int = 0,
    total_ms: int = 0,
    usage: Usage = NOTHING_USED,
    attempts: tuple[Attempt, ...] = (),
    charged: tuple[tuple[str, int], ...] = (),
) -> Call:
    """The record of its end; what was known when it was dispatched stays as it was."""
    # Every request passes here, and fields by name would take a microsecond.
    return Call(
        opened.id,
        opened.at_us,
        opened.day,
        opened.project,
        opened.key_id,
        opened.priority,
        opened.model,
        outcome,
        cause,
        http_status,
        1,  # one call
        response_id,
        opened.run_id,
        opened.client_request_id,
        opened.served_model,
        opened.target,
        opened.fallback_step,
        opened.estimated_input,
        opened.estimated_output,
        opened.held_nano_usd,
        opened.bound_is_estimate,
        cost_nano_usd,
        fees_nano_usd,
        opened.price_version,
        "",  # no bucket refused it
        shadowed,
        None,  # nor was a wait told
        queue_ms,
        first_byte_ms,
        total_ms,
        opened.stream,
        opened.retry,
        usage,
        attempts,
        (),
        None,  # it is no counted run
        charged,
    )


def is_unpriced(call: Call) -> bool:
    """Whether nobody knows what it cost, since nobody knows its price."""
    return call.price_version == UNKNOWN_VERSION and call.usage.total > 0


def told_cost(call: Call) -> str | None:
    """What it cost, in dollars; None where nobody knows."""
    return None if is_unpriced(call) else usd_exact(call.cost_nano_usd)


def unknown_end(opened: OpenCall) -> Call:
    """The record of a call whose end was lost: charged with all it held, never given back."""
    return ended(
        opened,
        Outcome.UNKNOWN,
        Cause.RESTART,
        0,
        cost_nano_usd=opened.held_nano_usd,
        usage=Usage(
            input_tokens=opened.estimated_input,
            output_tokens=max(0, opened.held_tokens - opened.estimated_input),
            is_estimate=True,
        ),
        attempts=(*opened.attempts, Attempt(opened.target, Cause.RESTART, 0, 0)),
    )


def failed_end(opened: OpenCall, failed: Attempt) -> Call:
    """An attempt of a call that then went on elsewhere, as if it had been a call of its own."""
    return ended(
        opened,
        Outcome.UPSTREAM_ERROR,
        failed.cause,
        failed.http_status,
        total_ms=failed.ms,
        attempts=(failed,),
    )

"""Why a request gets no answer from a model: errors named after what went wrong.

They carry facts; the words and the status are each dialect's.
"""

from dataclasses import dataclass
from typing import NamedTuple

from quotadeck.domain.cause import Cause
from quotadeck.domain.gate import Gate
from quotadeck.domain.limits import RateLimit
from quotadeck.domain.rules import LimitKind, bucket_of
from quotadeck.domain.subject import Subject


class RateLevel(NamedTuple):
    """What is left under one of the project's own rates, in micro-units, now."""

    kind: LimitKind
    limit: RateLimit
    level: int


class Refusal(Exception):
    """A request that ends here. ``cause`` is how it is recorded."""

    cause: Cause = Cause.NONE
    wait_ms: int | None = None
    """What it tells to wait, where it tells that."""
    gates: tuple[Gate, ...] = ()
    """The buckets that refused, the binding one first."""
    rates: tuple[RateLevel, ...] = ()
    """The project's own rates, where one of its limits refused."""
    estimated_tokens: tuple[int, int] = (0, 0)
    """Of its input and output, where it was sized; ``most_nano`` is what it may cost at most."""
    most_nano: int = 0
    upstream_request_id: str = ""
    """What the upstream that failed it calls the request."""


class KeyMissing(Refusal):
    """No key came with the request."""

    cause = Cause.BAD_KEY


@dataclass
class KeyMalformed(Refusal):
    """A key came, but it cannot be one of ours; ``why`` tells."""

    why: str
    cause: Cause = Cause.BAD_KEY


class KeysDiffer(Refusal):
    """The request came with more than one key, and they are not the same."""

    cause = Cause.BAD_KEY


class ProjectsDiffer(Refusal):
    """X-Project-Id came more than once, with different values."""

    cause = Cause.INVALID


class KeyUnknown(Refusal):
    """No living key has this secret."""

    cause = Cause.UNKNOWN_KEY


@dataclass
class KeyRevoked(KeyUnknown):
    """The key was one of ours, for ``project``, and was revoked or ran out."""

    key_id: str
    project: str
    cause: Cause = Cause.KEY_REVOKED


@dataclass
class ProjectNotOfKey(Refusal):
    """X-Project-Id names a project that the key ``key_id`` does not serve."""

    project: str
    projects: tuple[str, ...]
    key_id: str = ""
    cause: Cause = Cause.INVALID


@dataclass
class NoSuchPath(Refusal):
    """``served`` are the paths that are; ``nearest`` is the one that may have been meant."""

    path: str
    served: tuple[str, ...]
    nearest: str = ""
    cause: Cause = Cause.WRONG_PATH


@dataclass
class WrongMethod(Refusal):
    path: str
    allowed: str
    cause: Cause = Cause.WRONG_PATH


@dataclass
class BodyTooLarge(Refusal):
    limit_bytes: int
    cause: Cause = Cause.INVALID


class BodyCut(Refusal):
    """The client went away before its request was whole."""

    cause = Cause.CLIENT_GONE


@dataclass
class CodingUnknown(Refusal):
    """The body is packed in a way that is not unpacked here; ``taken`` are those that are."""

    coding: str
    taken: tuple[str, ...]
    cause: Cause = Cause.INVALID


@dataclass
class Garbled(Refusal):
    """The body is not what its content-encoding says."""

    coding: str
    cause: Cause = Cause.INVALID


@dataclass
class NotHttp(Refusal):
    """What came is no request that is taken here; ``status`` is HTTP's own for that."""

    status: int
    why: str
    cause: Cause = Cause.INVALID


@dataclass
class NotJson(Refusal):
    why: str
    cause: Cause = Cause.INVALID


@dataclass
class BadField(Refusal):
    """A field is missing, of the wrong type, or absurd."""

    field: str
    why: str
    cause: Cause = Cause.INVALID


@dataclass
class BadHeader(Refusal):
    """A header of the request says what it cannot say."""

    header: str
    why: str
    cause: Cause = Cause.INVALID


@dataclass
class UnknownModel(Refusal):
    model: str
    nearest: tuple[str, ...]
    cause: Cause = Cause.INVALID


@dataclass
class ModelNotAllowed(Refusal):
    model: str
    project: str
    allowed: tuple[str, ...]
    cause: Cause = Cause.INVALID


@dataclass
class NotSpoken(Refusal):
    """The model's upstream takes no requests of this form, and none is translated to what it does.

    ``form`` is the request's, ``spoken`` are those that the upstream takes.
    """

    form: str
    upstream: str
    spoken: tuple[str, ...]
    cause: Cause = Cause.INVALID


@dataclass
class Unbounded(Refusal):
    """``field`` asks for what its bytes do not bound; ``word`` is what would allow it."""

    field: str
    word: str
    project: str
    cause: Cause = Cause.INVALID


@dataclass
class ChoiceNotAllowed(Refusal):
    """``field`` chooses a model, an address, a provider or a tier; ``allowed`` are the choices."""

    field: str
    value: str
    project: str
    allowed: tuple[str, ...]
    cause: Cause = Cause.INVALID


@dataclass
class NotOfProject(Refusal):
    """It refers to what this project has not made here: another may have, or nobody."""

    kind: str
    id: str
    project: str
    cause: Cause = Cause.INVALID


@dataclass
class Paused(Refusal):
    """``subject`` is a project or a model; ``reason`` is set only when it is public."""

    subject: Subject
    reason: str
    until_us: int | None
    cause: Cause = Cause.PAUSED


@dataclass
class InputTooLong(Refusal):
    """Even the low estimate of the input is more than the model takes."""

    model: str
    least_tokens: int
    limit_tokens: int
    cause: Cause = Cause.NEVER_FITS


@dataclass
class OutputTooLong(Refusal):
    model: str
    asked_tokens: int
    limit_tokens: int
    cause: Cause = Cause.NEVER_FITS


@dataclass
class PriceUnknown(Refusal):
    """Nobody knows what a call of this target costs, and the project has a budget.

    ``tier`` is the one asked for that has no price; empty where nothing of the target has.
    """

    project: str
    model: str
    target: str
    tier: str = ""
    cause: Cause = Cause.INVALID


@dataclass
class OverWholeBudget(Refusal):
    """The request may cost more than a whole day's budget."""

    project: str
    bound_nano: int
    budget_nano: int
    bound_is_estimate: bool
    cause: Cause = Cause.NEVER_FITS


@dataclass
class LimitReached(Refusal):
    """A bucket is too empty; ``wait_ms`` is exact, None where a slot must come free.

    With a ``turn``, what it asks for is kept for it from then on.
    """

    binding: str
    limit: int
    unit: str
    asked: int
    wait_ms: int | None
    cause: Cause
    turn: bool = False


@dataclass
class BudgetSpent(Refusal):
    """The day's money does not cover the request's upper bound."""

    project: str
    budget_nano: int
    left_nano: int
    bound_nano: int
    resets_us: int
    day: str
    """Which day's money it was, as ISO date of the project's zone."""
    binding: str
    wait_ms: int | None
    cause: Cause = Cause.BUDGET


@dataclass
class LedgerUnavailable(Refusal):
    """The journal cannot be written: what cannot be recorded is not forwarded."""

    why: str
    cause: Cause = Cause.UNRECORDED


class Draining(Refusal):
    """The gateway is going down and takes no new requests."""

    cause = Cause.DRAINING


class AnswerCut(Refusal):
    """The gateway is going down and waits no longer for this answer."""


@dataclass
class TooManyRequests(Refusal):
    """``allowed`` requests are under way, as many as may be: of ``project``, or (empty) of all."""

    allowed: int
    project: str = ""
    cause: Cause = Cause.CROWDED


@dataclass
class BodiesTooLarge(Refusal):
    """The bodies held at once are over ``limit_bytes``: of ``project``, or (empty) of all."""

    limit_bytes: int
    project: str = ""
    cause: Cause = Cause.CROWDED


@dataclass
class UpstreamRefused(Refusal):
    """The upstream answered with an error; ``message`` is its own, cleaned."""

    status: int
    message: str
    kind: str
    code: str | None
    param: str | None
    retry_after: str
    retry_after_ms: str
    cause: Cause
    should_retry: str = ""
    """``true`` or ``false`` where it said so itself."""


@dataclass
class UpstreamFailed(Refusal):
    """The upstream gave no usable answer; ``why`` is for people and names no secret."""

    why: str
    cause: Cause


def gate_of(refusal: Refusal, project: str) -> Subject:
    """The subject whose change might have let the request pass: a project, target, model or key."""
    match refusal:
        case LimitReached(binding=binding):
            return bucket_of(binding)[0]
        case Paused(subject=subject):
            return subject
        case KeyRevoked(key_id=key_id):
            return Subject.key(key_id)
        case InputTooLong(model=model) | OutputTooLong(model=model):
            return Subject.model(model)
    return Subject.project(project)

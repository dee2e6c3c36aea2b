"""Every way in which an upstream fails a request, classified once.

What it means for the record, for the client, for the money, and whether another target may be asked
in its place.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from quotadeck.dialects.base import NotAnAnswer, UpstreamSaid
from quotadeck.dialects.said import OF_WHAT_WAS_ASKED
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.refusals import Refusal, UpstreamFailed, UpstreamRefused
from quotadeck.domain.text import clean, clean_lines
from quotadeck.domain.usage import Usage
from quotadeck.gateway.upstream.client import TimedOut, Unreachable, UpstreamError
from quotadeck.gateway.upstream.keys import UpstreamKeys
from quotadeck.gateway.upstream.told import should_retry, wait_of

ANSWERED: Final = (200, 201, 202, 203)
"""What an answer may come with."""
MAX_MESSAGE: Final = 1_000
ITS_OWN: Final = -1
"""Stands for the status that the upstream itself gave."""


class Failure(NamedTuple):
    """One class of failures.

    ``status`` is what the client gets: 0 where nobody knows, `ITS_OWN` for the upstream's.
    ``never_sent``: it saw nothing of the request, and everything is given back. ``elsewhere``:
    nothing was used up, so another target may be asked.
    """

    outcome: Outcome
    cause: Cause
    status: int
    never_sent: bool = False
    elsewhere: bool = False


UNREACHABLE: Final = Failure(
    Outcome.UPSTREAM_ERROR, Cause.UNREACHABLE, 502, never_sent=True, elsewhere=True
)
TIMED_OUT: Final = Failure(Outcome.UNKNOWN, Cause.TIMEOUT, 504)
"""It was sent, and may be billed."""
BROKEN: Final = Failure(Outcome.UNKNOWN, Cause.BROKEN_REPLY, 502)
OUR_KEY: Final = Failure(Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_AUTH, 502, elsewhere=True)
"""Our operators' trouble: the client's key is fine, and a 401 would say otherwise."""
BUSY: Final = Failure(Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_429, ITS_OWN, elsewhere=True)
REFUSED: Final = Failure(Outcome.CLIENT_ERROR, Cause.UPSTREAM_4XX, ITS_OWN)
NOT_THERE: Final = Failure(Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_4XX, ITS_OWN, elsewhere=True)
"""Path and model there are our operators' choice; `data.blame` knows when it is the client's."""
FAILED: Final = Failure(Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_5XX, ITS_OWN, elsewhere=True)
NO_ANSWER: Final = Failure(Outcome.UPSTREAM_ERROR, Cause.BROKEN_REPLY, 502)
"""A status that is none: 204, 302, 999."""

NO_STREAM: Final = Failure(Outcome.UPSTREAM_ERROR, Cause.BROKEN_REPLY, 502)
"""A stream that ended, or broke, before its first event."""
IN_STREAM: Final = Failure(Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_5XX, 200)
"""An error among the events of a stream that had begun well."""
REFUSED_IN_STREAM: Final = Failure(Outcome.CLIENT_ERROR, Cause.UPSTREAM_4XX, 200)
"""Such an error that says what is wrong with this very request."""
STREAM_LATE: Final = Failure(Outcome.UPSTREAM_ERROR, Cause.TIMEOUT, 200)
STREAM_BROKEN: Final = Failure(Outcome.UPSTREAM_ERROR, Cause.BROKEN_REPLY, 200)
CLIENT_GONE: Final = Failure(Outcome.UNKNOWN, Cause.CLIENT_GONE, 200)
"""The client left, and its upstream was cut before it told what was used."""

LEFT: Final = Failure(Outcome.OK, Cause.CLIENT_GONE, 200)
"""The client left, but its upstream was heard out, and told what was used."""

CUT: Final = Failure(Outcome.UNKNOWN, Cause.RESTART, 0)
"""By us, for we go down."""
CUT_UNSENT: Final = Failure(Outcome.UPSTREAM_ERROR, Cause.RESTART, 0, never_sent=True)
"""By us, before anything of it was sent."""
UNRECORDED: Final = Failure(Outcome.UPSTREAM_ERROR, Cause.UNRECORDED, 503, never_sent=True)
"""It could not be written down, and so was not sent."""
OUR_FAULT: Final = Failure(Outcome.UNKNOWN, Cause.INTERNAL, 0)

OVERDUE: Final = Failure(Outcome.UNKNOWN, Cause.TIMEOUT, 0)
"""It had no end long after its upstream's timeout."""
STALLED: Final = Failure(Outcome.UNKNOWN, Cause.CLIENT_GONE, 0)
"""It had none because the client took nothing of what was written."""

_BY_ERROR: Final[Mapping[type[Exception], Failure]] = {
    Unreachable: UNREACHABLE,
    TimedOut: TIMED_OUT,
}
_BY_STATUS: Final = {
    **dict.fromkeys((401, 403, 407), OUR_KEY),
    **dict.fromkeys((404, 405), NOT_THERE),
    429: BUSY,
}
_BY_HUNDRED: Final = {4: REFUSED, 5: FAILED}
_EMPTY: Final = UpstreamSaid("", "", None, None)


def failure_of_error(error: UpstreamError | NotAnAnswer) -> Failure:
    """The class of a request that got no usable answer."""
    return _BY_ERROR.get(type(error), BROKEN)


def failure_of_status(status: int) -> Failure:
    """The class of a status other than `ANSWERED`."""
    return _BY_STATUS.get(status) or _BY_HUNDRED.get(status // 100, NO_ANSWER)


def failure_of_stream(
    error: UpstreamError | None, *, gone: bool, told: UpstreamSaid | None
) -> Failure | None:
    """The class of a stream's end; None where it ended well.

    ``told`` is the error that the upstream sent as one of its events.
    """
    if told is not None:
        return REFUSED_IN_STREAM if told.code in OF_WHAT_WAS_ASKED else IN_STREAM
    if error is None:
        return None
    if gone:
        return CLIENT_GONE
    return STREAM_LATE if isinstance(error, TimedOut) else STREAM_BROKEN


class Failed(NamedTuple):
    """An attempt that failed before the client got a byte of an answer, and what to tell of it."""

    failure: Failure
    refusal: Refusal
    usage: Usage | None = None
    """What is charged for it all the same."""
    by_its_api: bool = False
    """It told a kind, a code or a field, or its status itself: no proxy before it does."""


def failed_by(error: UpstreamError | NotAnAnswer) -> Failed:
    """An attempt that got no usable answer."""
    failure = failure_of_error(error)
    return Failed(failure, UpstreamFailed(str(error), failure.cause))


def failed_as(error: NotAnAnswer, headers: Mapping[bytes, bytes], keys: UpstreamKeys) -> Failed:
    """An attempt whose reply is none, and may say in an answer's place why: under any status."""
    if error.said is None:
        return failed_by(error)._replace(usage=error.usage)
    status = error.said.status or _ANY_FAULT
    failed = failed_with(status, headers, error.said, False, keys)
    if failed.failure.status == ITS_OWN:  # the one that it told, and not the 200 that it came with
        failed = failed._replace(failure=failed.failure._replace(status=status))
    if error.usage is not None and error.usage.total:
        # It was used up all the same, and is billed: another target would be billed beside it.
        failure = failed.failure._replace(elsewhere=False)
        return failed._replace(failure=failure, usage=error.usage)
    return failed


_ANY_FAULT: Final = 502
_REFUSED_KEY: Final = "it refuses the gateway's own key"


def failed_with(
    status: int, headers: Mapping[bytes, bytes], said: UpstreamSaid, empty: bool, keys: UpstreamKeys
) -> Failed:
    """An attempt that was answered with an error: the upstream's own words, without keys."""
    failure = failure_of_status(status)
    if failure is OUR_KEY:
        whose = "its proxy refuses the gateway's login" if status == 407 else _REFUSED_KEY
        why = f"{whose} ({status})"
        return Failed(failure, UpstreamFailed(why, failure.cause))
    message = clean_lines(keys.hide(said.message), MAX_MESSAGE)
    if failure is NO_ANSWER:
        said, message = _EMPTY, f"The upstream answered {status}, which is no answer."
    elif not message:
        without = "with an empty body" if empty else "without words"
        message = f"The upstream answered {status} {without}."
    refusal = UpstreamRefused(
        status if failure.status == ITS_OWN else failure.status,
        message,
        clean(keys.hide(said.kind), 100),
        clean(keys.hide(said.code or ""), 100) or None,
        clean(keys.hide(said.param or ""), 100) or None,
        keys.hide(wait_of(headers, b"retry-after")),
        keys.hide(wait_of(headers, b"retry-after-ms")),
        failure.cause,
        should_retry(headers),
    )
    by_its_api = bool(said.kind or said.code or said.param or said.status)
    return Failed(failure, refusal, by_its_api=by_its_api)

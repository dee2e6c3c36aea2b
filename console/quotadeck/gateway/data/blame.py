"""Whose fault it is that an upstream does not know what it is asked for: ours, or the request's.

The path and the model are our operators' choice, and then the target is broken for all. But a
client can raise such an answer too: by an id that is no more, by a form that this model is not
served in, by tools or pictures that none of a router's providers take. That says nothing of the
target, and must not be counted against it: whoever sends many of them would stop the others.
"""

from typing import Final

from quotadeck.dialects.base import NOTHING_BEYOND, Ask
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.refusals import UpstreamRefused
from quotadeck.gateway.upstream.failures import REFUSED, Failed

LATELY_NS: Final = 60_000_000_000
"""So long ago it answered others: what it does not know now has not gone away, most likely."""
_OF_THE_MODEL: Final = ("model_not_found", "not_found_error", "NotFoundError", "NOT_FOUND")


class Answering:
    """Which targets answer, at which paths, and since when not any more."""

    def __init__(self) -> None:
        self._last_ns: dict[str, dict[str, int]] = {}

    def answered(self, target: str, path: str, now_ns: int) -> None:
        """A target has answered a request to this path."""
        self._last_ns.setdefault(target, {})[path] = now_ns

    def judged(self, failed: Failed, ask: Ask, target: str, path: str, now_ns: int) -> Failed:
        """The failure of a request, which is the request's own where the target is not to blame."""
        failure, refusal = failed.failure, failed.refusal
        if failure.cause is not Cause.UPSTREAM_4XX or failure.outcome is Outcome.CLIENT_ERROR:
            return failed
        if not isinstance(refusal, UpstreamRefused):
            return failed
        told = refusal.code or refusal.kind
        of_model = told in _OF_THE_MODEL or refusal.param == "model"
        at = self._last_ns.get(target, {})
        lately = any(now_ns - last_ns < LATELY_NS for last_ns in at.values())
        elsewhere_only = lately and path not in at
        of_what_it_asks = not of_model and (
            ask.beyond is not NOTHING_BEYOND or (lately and failed.by_its_api)
        )
        if elsewhere_only or of_what_it_asks:
            return failed._replace(failure=REFUSED._replace(status=failure.status))
        return failed

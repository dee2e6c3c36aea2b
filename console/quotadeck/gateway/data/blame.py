"""Whose fault a 4xx of an upstream is: the target's, or the request's own.

The path and the model are our operators' choice: where these are wrong, the target is broken for
all. But a request can cause such an answer by itself: by an id that no longer exists, by a form in
which this model is not served, by tools or pictures that none of a router's providers take. That
must not count against the target, or whoever sends many such requests would stop all others.
"""

from typing import Final

from quotadeck.dialects.base import NOTHING_BEYOND, Ask
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.refusals import UpstreamRefused
from quotadeck.gateway.upstream.failures import REFUSED, Failed

LATELY_NS: Final = 60_000_000_000
"""A target that has answered within this time has most likely not lost its model or its path."""
_OF_THE_MODEL: Final = ("model_not_found", "not_found_error", "NotFoundError", "NOT_FOUND")


class Answering:
    """When each target answered last, by path."""

    def __init__(self) -> None:
        self._last_ns: dict[str, dict[str, int]] = {}

    def answered(self, target: str, path: str, now_ns: int) -> None:
        """A target has answered a request to this path."""
        self._last_ns.setdefault(target, {})[path] = now_ns

    def judged(self, failed: Failed, ask: Ask, target: str, path: str, now_ns: int) -> Failed:
        """The failure as it is to be counted: as the request's own where it is not the target's."""
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

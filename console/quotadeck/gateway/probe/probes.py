"""The probes of this gateway: one at a time, the last few kept to be read."""

import asyncio
import logging
import secrets
from dataclasses import replace
from typing import Final

from quotadeck.domain.ids import new_id
from quotadeck.domain.probe import ProbeAsk, ProbePlan, ProbeReport
from quotadeck.gateway.probe.asked import Means, ProbeRefused, foreseen, whom
from quotadeck.gateway.probe.run import Probe

LOG = logging.getLogger(__name__)
KEPT: Final = 8


class Probes:
    """Begins them, and tells of them."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._kept: dict[str, Probe] = {}
        self._running: asyncio.Task[None] | None = None

    def foresee(self, ask: ProbeAsk) -> ProbePlan:
        """What it would ask, and cost at most. Raises ProbeRefused."""
        return foreseen(self._means, whom(self._means, ask))

    def begin(self, ask: ProbeAsk, who: str) -> ProbePlan:
        """Begin one for ``who``. Raises ProbeRefused, also while another runs."""
        it = whom(self._means, ask)
        planned = foreseen(self._means, it)
        if self._running is not None and not self._running.done():
            raise ProbeRefused("probe.busy")
        now_us = self._means.calls.flights.wall_us()
        identity = new_id("prb", now_us, secrets.token_bytes(10))
        probe = Probe(self._means, it, identity, f"probe by {who}"[:64])
        while len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[identity] = probe
        self._running = asyncio.create_task(self._run(probe))
        return replace(planned, id=identity)

    def report(self, identity: str) -> ProbeReport | None:
        """What one has learned so far; None of one that is not known any more."""
        probe = self._kept.get(identity)
        return probe.report if probe else None

    async def close(self) -> None:
        """End what runs."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait((self._running,))

    async def _run(self, probe: Probe) -> None:
        try:
            await probe.run()
        except Exception:
            LOG.exception("the probe %s failed", probe.report.id)

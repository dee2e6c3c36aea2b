"""The gateway's own health: it may be the incident."""

import asyncio
import resource
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from quotadeck import __version__
from quotadeck.domain.clock import Clock
from quotadeck.domain.notice import notice
from quotadeck.domain.snapshot import Vitals
from quotadeck.gateway.connection.connections import Connections
from quotadeck.store import Ledger

_BEAT_S = 0.25
_LAG_MS = 50
_LASTS_NS = 60_000_000_000
_BEATS = 8
"""After so many the worst of them is shown: 2 s."""
_DISK_PERCENT = 5


class VitalSigns:
    """Measures the event loop's lag; reads the rest when asked."""

    def __init__(
        self,
        name: str,
        ledger: Ledger,
        directory: Path,
        clock: Clock,
        draining: Callable[[], bool],
    ) -> None:
        self._name = name
        self._ledger = ledger
        self._directory = directory
        self._clock = clock
        self._draining = draining
        self._started_us = clock.wall_us()
        self._worst_ns = 0
        self._beats = 0
        self._shown_lag_ms = 0
        self._lagging_ns: int | None = None
        """Since when every 2 s had a lag."""
        self._disk_free_percent = 100
        self._look_at_disk()
        self._data = self._admin = Connections("connections", 0)

    def watch(self, data: Connections, admin: Connections) -> None:
        """Tell of these tables of the two servers from now on."""
        self._data, self._admin = data, admin

    async def beat(self) -> None:
        """Runs for the gateway's life: how late the loop wakes us is its lag."""
        while True:
            before = self._clock.monotonic_ns()
            await asyncio.sleep(_BEAT_S)
            self.beaten(self._clock.monotonic_ns() - before - round(_BEAT_S * 1e9))

    def beaten(self, late_ns: int) -> None:
        """The loop woke us so late."""
        self._worst_ns = max(self._worst_ns, late_ns)
        self._beats += 1
        if self._beats % _BEATS == 0:
            self._shown_lag_ms = self._worst_ns // 1_000_000
            self._worst_ns = 0
            if self._shown_lag_ms < _LAG_MS:
                self._lagging_ns = None
            elif self._lagging_ns is None:
                self._lagging_ns = self._clock.monotonic_ns()
            self._look_at_disk()

    def _look_at_disk(self) -> None:
        with suppress(OSError):  # a folder that is gone must not end the beat
            usage = shutil.disk_usage(self._directory)
            self._disk_free_percent = usage.free * 100 // usage.total

    def read(self) -> Vitals:
        """The signs as a value. Small lags read as none, so that calm is still."""
        of_ledger = self._ledger.problems
        problems = [
            *([notice("vital.draining")] if self._draining() else []),
            *of_ledger,
            *self._data.problems(),
            *self._admin.problems(),
        ]
        lag = self._shown_lag_ms if self._shown_lag_ms >= _LAG_MS else 0
        if lag:
            since_ns = self._lagging_ns
            lasts = since_ns is not None and self._clock.monotonic_ns() - since_ns >= _LASTS_NS
            problems.append(notice("vital.loop_lags" if lasts else "vital.loop_lag", lag_ms=lag))
        if self._disk_free_percent < _DISK_PERCENT:
            problems.append(notice("vital.disk", free_percent=self._disk_free_percent))
        return Vitals(
            name=self._name,
            version=__version__,
            source_id=self._ledger.source_id,
            started_us=self._started_us,
            problems=tuple(dict.fromkeys(problems)),  # both tables may say the same
            loop_lag_ms=lag,
            backlog_records=self._ledger.backlog_records if of_ledger else 0,
            disk_free_percent=self._disk_free_percent,
            memory_mb=_resident_mb(),
            connections=self._data.shown,
            connections_most=self._data.most,
            admin_connections=self._admin.shown,
            admin_connections_most=self._admin.most,
            counting_since_us=self._ledger.epoch * 1_000,
            backup_us=self._ledger.backup_us,
        )


def _resident_mb() -> int:
    """Resident memory in steps of 8 MB: the peak where the system does not tell the present."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        size = pages * resource.getpagesize()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = peak if sys.platform == "darwin" else peak * 1024
    return size // (8 * 1024 * 1024) * 8

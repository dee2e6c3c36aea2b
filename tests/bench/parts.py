"""What each part of our request path costs: all of it, and one part less at a time."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.bench.subjects import PROJECTS, Subject, nginx_stored, ours

ALL = "all of it, 6 limits"
NO_LIMITS = "limits of the project (4 of 6)"
PARTS = ("journal and SQLite", "SQLite", "live picture and alarms", "recorded levels")
"""Names in `tests.bench.without`, which imports the gateway and is run apart."""


def prices(rounds: int, seconds: float) -> Iterator[tuple[str, str]]:
    """(part, what it costs of a JSON request at c=50)."""
    with ExitStack() as running:

        def directory() -> Path:
            return Path(running.enter_context(tempfile.TemporaryDirectory()))

        stored = running.enter_context(nginx_stored(directory()))
        base = f"http://127.0.0.1:{stored.port}/v1"
        started: dict[str, Subject] = {
            ALL: running.enter_context(ours(directory(), base)),
            NO_LIMITS: running.enter_context(ours(directory(), base, "[projects.bench]\n")),
        }
        for part in PARTS:
            before = (sys.executable, "-m", "tests.bench.without", part)
            one = ours(directory(), base, PROJECTS, before=before)
            started[part] = running.enter_context(one)
        costs: dict[str, list[float]] = {name: [] for name in started}
        for turn in range(rounds + 1):
            for name, subject in started.items():
                cost, seen = subject.cost(subject.asked(50, seconds))
                if seen.errors:
                    raise RuntimeError(f"without {name}: {seen.errors} errors")
                if turn:
                    costs[name].append(cost)
    everything = median(costs[ALL])
    yield f"the price of a part: {ALL}", f"{everything:.0f} µs"
    for name, some in costs.items():
        if name != ALL:
            price = everything - median(some)
            yield f"… of that {name}", f"{price:.0f} µs"

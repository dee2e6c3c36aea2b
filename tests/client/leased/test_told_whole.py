"""Whatever becomes of leases and managers, what calls used elsewhere is on record to the last."""

import gc
import random
import threading
from collections import Counter
from pathlib import Path

import pytest

from quotadeck.client import Estimate, SyncQuotaManager
from tests.processes import PATIENCE_S, Gateway, running, wait_until

from .conftest import TARGETS

NAMES = [f"p{number}" for number in range(6)]
PROJECTS = "\n".join(
    f'[projects.{name}]\nrpm = 60000\ndaily_budget_usd = "5000.00"' for name in NAMES
)
THREADS, ROUNDS = 6, 12


@pytest.mark.soak
def test_nothing_is_lost_of_managers_that_are_closed_dropped_and_left(tmp_path: Path) -> None:
    with running(tmp_path, PROJECTS, targets=TARGETS) as own:
        key, used, lock = own.add_key(*NAMES), Counter[str](), threading.Lock()

        def jobs(seed: int) -> None:
            chance = random.Random(seed)
            for _ in range(ROUNDS):
                count = job(own, key, chance)
                with lock:
                    used.update(count)

        threads = [
            threading.Thread(target=jobs, args=(seed,), daemon=True) for seed in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for row in own.get("/leases")["leases"][::3]:
                own.command("end_lease", f"lease:{row['id']}")
            threads[0].join(0.05)
        gc.collect()

        def on_record() -> Counter[str]:
            rows = own.snapshot().projects
            return Counter({row.id: row.budget.spent_nano // 500 for row in rows})

        wait_until(lambda: on_record() == used, PATIENCE_S)


def job(own: Gateway, key: str, chance: random.Random) -> Counter[str]:
    """Some calls of a manager of its own; how many of each project's used something."""
    manager = SyncQuotaManager(gateway=own.base_url, key=key, name="one for all")
    used, open_ones = Counter[str](), []
    for _ in range(chance.randrange(1, 40)):
        project = chance.choice(NAMES)
        reservation = manager.acquire(project, Estimate(7, 3, 500, "gpt-4.1"), timeout=PATIENCE_S)
        fate = chance.random()
        if fate < 0.1:
            reservation.release()
            continue
        used[project] += 1
        if fate < 0.3:
            open_ones.append(reservation)
        else:
            reservation.settle(7, 3, cost_nano=500)
    if chance.random() < 0.5:
        manager.close()
    for reservation in open_ones[::2]:
        reservation.settle(7, 3, cost_nano=500)
    return used  # the others are forgotten, and so is the manager

"""What a start compiles for thousands of projects with a key each: it must grow in a line."""

import gc
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from quotadeck.domain.catalogue import Catalogue, Project
from quotadeck.domain.commands import Action, Field
from quotadeck.domain.layers import Layers
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.subject import Subject
from quotadeck.gateway.data.keys import key_ring
from quotadeck.gateway.plan import compile_plan, file_layer
from tests.gateway.values import NOON_US, WINDOWS, entry

SIZES = (1_000, 2_000, 5_000, 10_000)
ROUNDS = 3


def _field(projects: int) -> Catalogue:
    """Every project has other limits than the others: nothing is compiled once for many."""
    return Catalogue(
        {
            f"p{n}": Project(
                f"p{n}",
                f"P {n}",
                limits={
                    Field.RPM: 60 + n,
                    Field.TPM: 60_000 + n,
                    Field.CONCURRENCY: 4,
                    Field.BUDGET: 10**9,
                },
            )
            for n in range(projects)
        },
        {},
        {},
        {},
    )


def _least_ms(work: Callable[[], Any]) -> float:
    """CPU of the fastest round, as at a start: nothing is collected meanwhile."""
    spent = []
    for _ in range(ROUNDS):
        gc.collect()
        gc.disable()
        begin = time.process_time()
        made = work()
        spent.append(time.process_time() - begin)
        gc.enable()
        del made
    return min(spent) * 1_000


def run() -> list[tuple[str, str]]:
    """(name, figure) of the plan and of the key ring at each size."""
    figures = []
    for size in SIZES:
        of = _field(size)
        keys = [
            entry(
                n + 1,
                Subject.key(f"k{n}"),
                Field.KEY,
                ProjectKey(f"{n:064x}", (f"p{n}",)),
                action=Action.KEY_ADD,
            )
            for n in range(size)
        ]
        layers = Layers(file_layer(of)).with_entries(keys)
        plan = _least_ms(partial(compile_plan, of, layers, WINDOWS, NOON_US))
        ring = _least_ms(partial(key_ring, layers, NOON_US))
        figures.append((f"plan of {size:,} projects with a key each", f"{plan:.0f} ms"))
        figures.append((f"ring of {size:,} keys", f"{ring:.0f} ms"))
    return figures

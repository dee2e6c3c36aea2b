"""The ledger beside the bill over a hundred thousand generated calls.

``QUOTADECK_SOAK_CALLS`` says how many, ``QUOTADECK_SOAK_SEED`` which.
"""

import os
from pathlib import Path

import pytest

from tests.billed.calling import SERVED, billed, reconciled
from tests.billed.ledger import KINDS

CALLS = int(os.environ.get("QUOTADECK_SOAK_CALLS", "100000"))
SEED = int(os.environ.get("QUOTADECK_SOAK_SEED", "9"))
pytestmark = [pytest.mark.soak, pytest.mark.timeout(3_000)]


def test_a_hundred_thousand_calls_cost_what_the_upstream_bills(tmp_path: Path) -> None:
    with billed(tmp_path) as gateway:
        found = reconciled(gateway, gateway.upstream, SEED, CALLS, SERVED)
    print(
        f"{CALLS} calls of seed {SEED}: {found.exact} exact, ledger {found.ledger_nano} and "
        f"bill {found.billed_nano} nano-dollars, {found.estimated} estimated, "
        f"{found.unbilled} unbilled, {found.doubtful} doubtful, {len(found.wrong)} wrong; "
        f"{found.kinds}"
    )
    assert found.wrong == []
    assert found.ledger_nano == found.billed_nano > 0
    assert found.exact > CALLS * 3 // 4
    assert all(found.kinds[kind] for kind in KINDS), found.kinds

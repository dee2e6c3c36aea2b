"""The ledger is what the upstream bills, to the nano-dollar, whatever is asked and befalls it."""

from pathlib import Path

from tests.billed.calling import SERVED, billed, reconciled
from tests.billed.ledger import KINDS

CALLS = 300
SEED = 20_261_126


def test_the_ledger_is_the_upstreams_bill(tmp_path: Path) -> None:
    with billed(tmp_path) as gateway:
        found = reconciled(gateway, gateway.upstream, SEED, CALLS, SERVED)
    assert found.wrong == []
    assert found.ledger_nano == found.billed_nano > 0
    assert found.exact > CALLS * 3 // 4
    assert all(found.kinds[kind] for kind in KINDS), found.kinds
    assert found.estimated
    assert found.unbilled

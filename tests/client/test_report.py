"""The report as text: what is left of everything, of each project, of runs."""

from quotadeck.client import Estimate, QuotaManager, SyncQuotaManager
from tests.clocks import HandClock


async def test_a_table_tells_what_is_left_of_what_all_share() -> None:
    manager = QuotaManager(500, 1_000_000, "500", clock=HandClock())
    manager.set_project_quota("analytics", rpm=20)
    for project in ("analytics", "checkout"):
        async with manager.acquire(project, 2_000) as reservation:
            reservation.settle(1_000, 500, cost_nano=250_000_000)
    head, first, second, everything = str(manager.usage_report()).splitlines()
    assert head.split()[0] == "project"
    assert first.endswith("$0.25  2 now of 20 rpm")
    assert second.endswith("$0.25")
    assert " ".join(everything.split()) == (
        "(all) 2 0 0 2,000 1,000 $0.50 "
        "81 now of 500 rpm, 997,000 now of 1,000,000 tpm, $500 of $500 budget"
    )


async def test_runs_have_a_table_of_their_own() -> None:
    manager = QuotaManager(None, None, None, clock=HandClock())
    run = manager.run("import", budget="5.00", requests=2_000, lifetime="1h")
    async with run.acquire("a", Estimate(1_000, cost_nano=10_000_000)) as reservation:
        reservation.settle(1_000, cost_nano=20_000_000)
    manager.run("backfill").end()
    _, _, _, head, first, second = str(manager.usage_report()).splitlines()
    assert head.split()[:2] == ["run", "requests"]
    assert " ".join(first.split()) == "import 1 of 2,000 0 $0.02 $5.00 1h goes on"
    assert " ".join(second.split()) == "backfill 0 0 $0 – – it was ended"


def test_without_limits_of_everything_there_is_no_line_of_it() -> None:
    manager = QuotaManager(None, None, None)
    manager.set_project_quota("a", rpm=6)
    assert len(str(manager.usage_report()).splitlines()) == 2


def test_a_name_obeys_no_terminal() -> None:
    manager = SyncQuotaManager()
    manager.acquire("a\x1b[2J", 1).release()
    assert "\x1b" not in str(manager.usage_report())

"""What applications hold of a project ahead, who waits in them, and the end of one of those."""

import pytest

from quotadeck.domain.commands import Action
from quotadeck.domain.lease import LeasesPage
from quotadeck.domain.subject import Subject
from quotadeck.tui.panes.project_leases import lease_lines
from tests.tui.driving import choose, quotadeck, quotadeck_of, scripted, sees, shown
from tests.tui.leased import lease, night
from tests.tui.lines import at, text
from tests.tui.scenes import AT_US

WIDE = (100, 50)


def test_a_project_says_what_is_leased_and_who_waits_how_long_for_what() -> None:
    lines = [text(line).rstrip() for line in lease_lines(night(), "analytics", at(), 79)]
    assert lines == [
        " leased ahead, not drawn yet   requests  tokens  money  drawn by  until",
        "   worker-2                           –       –      –         –  no lease",
        "     2 of reports wait for requests, longest 40s (told 40s ago)",
        "   worker-1 …b21a86                  12     40k  $0.12  31 calls  03:02:40",
        "     3 of nightly (low) wait for tokens, longest 10s · 1 of nightly waits for",
        "     money, <5s",
        "   lease_01…d6f00f9a2 …b21a86        12     40k  $0.12  31 calls  03:02:40",
    ]


def test_of_others_nothing_is_told() -> None:
    assert lease_lines(night(), "batch-embed", at(), 79) == []
    assert lease_lines(None, "analytics", at(), 79) == []


async def test_the_page_shows_them() -> None:
    async with quotadeck(scripted(held=night())).run_test(size=WIDE) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("enter")
        await sees(pilot, "leased ahead", "worker-1 …b21a86", "31 calls", "2 of reports wait")


async def test_where_nobody_leases_there_is_no_panel_and_nothing_to_end() -> None:
    async with quotadeck(scripted()).run_test(size=WIDE) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("enter")
        await sees(pilot, "callers")
        assert "leased ahead" not in shown(quotadeck_of(pilot))
        await pilot.press("L")
        await sees(pilot, "no application holds a lease of analytics")


async def test_many_leases_are_summed_behind_the_first() -> None:
    many = LeasesPage(AT_US, tuple(lease(number) for number in range(9)))
    async with quotadeck(scripted(held=many)).run_test(size=WIDE) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("enter")
        await sees(pilot, "3 more hold 36 requests, 120,000 tokens, $0.38")


@pytest.mark.parametrize("presses", [0, 1])
async def test_a_lease_is_ended_as_it_was_previewed(presses: int) -> None:
    source = scripted(held=night())
    async with quotadeck(source).run_test(size=WIDE) as pilot:
        await choose(pilot, "analytics")
        await pilot.press("enter")
        await sees(pilot, "leased ahead")
        await pilot.press("L")
        await sees(pilot, "end a lease of analytics", "12 requests, 40,000 tokens, $0.12")
        await sees(
            pilot, "calls that name it are refused", "quotadeck end-lease lease_019f0d2a54b0"
        )
        for _ in range(presses):
            await pilot.press("shift+tab", "right", "tab")
        await pilot.press(*"hung", "enter")
        await sees(pilot, "done")
        made = [command for command, dry_run in source.commands if not dry_run]
        assert [(one.action, one.subject, one.reason) for one in made] == [
            (Action.END_LEASE, Subject.lease(lease(presses + 1).id), "hung")
        ]


async def test_of_high_priority_the_projects_name_is_asked_for() -> None:
    page = LeasesPage(AT_US, (lease(1, "support-chat", "chat"),))
    source = scripted(held=page)
    async with quotadeck(source).run_test(size=WIDE) as pilot:
        await choose(pilot, "support-chat")
        await pilot.press("enter")
        await sees(pilot, "chat …b21a86")
        await pilot.press("L")
        await sees(pilot, "end a lease of support-chat", "support-chat")
        await pilot.press(*"hung", "enter")
        assert not [one for one, dry_run in source.commands if not dry_run]
        await sees(pilot, "type support-chat")

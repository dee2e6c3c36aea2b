"""A limit that stops nearly everything of high priority, or of a model, asks as a pause does."""

import pytest

from tests.tui.driving import applied, choose, quotadeck, quotadeck_of, scripted, sees, shown, until

# support-chat: high priority, rpm 60 (25 came), tpm 1M (310k came), $140 of $1,000, 6 under way


@pytest.mark.parametrize(
    ("field", "value"),
    [(0, "1"), (0, "x0.2"), (1, "150k"), (2, "3"), (3, "100.00"), (3, "10%")],
)
async def test_nearly_nothing_asks_for_the_name(field: int, value: str) -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "support-chat")
        await pilot.press("l", "up", *["right"] * field, "down", *value)
        await sees(pilot, "confirm", "type support-chat", "replayed")  # the whole preview is there
        await pilot.press("enter")
        await sees(pilot, "! type support-chat in the last field to confirm")
        assert applied(source) == []
        await pilot.press(*"support-chat", "enter")
        await sees(pilot, "done:")
    assert len(applied(source)) == 1


@pytest.mark.parametrize("value", ["40", "50%"])
async def test_a_limit_that_lets_most_pass_does_not(value: str) -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "support-chat")
        await pilot.press("l", *value)
        await sees(pilot, "low priority waits")
        await pilot.press("enter")
        await sees(pilot, "done:")


async def test_the_field_for_the_name_goes_with_the_value_that_asked_for_it() -> None:
    async with quotadeck(scripted()).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "support-chat")
        await pilot.press("l", "1")
        await sees(pilot, "type support-chat")
        await pilot.press("0", "0")
        await until(pilot, lambda: "type support-chat" not in shown(quotadeck_of(pilot)))
        await pilot.press("backspace", "backspace", "tab", "tab", "tab", *"supp")
        await sees(pilot, "[supp")


async def test_other_priorities_are_not_asked() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await choose(pilot, "search")
        await pilot.press("l", "1")
        await sees(pilot, "20 → 1", "low priority waits")
        await pilot.press("enter")
        await sees(pilot, "done:")


async def test_a_target_asks_whoever_uses_it() -> None:
    source = scripted()
    async with quotadeck(source).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(quotadeck_of(pilot).overview.models.rows))
        await pilot.press("tab", "l", "5")
        await sees(pilot, "type main/claude-opus-4.7")
        await pilot.press("enter")
        await sees(pilot, "! type main/claude-opus-4.7 in the last field")
    assert applied(source) == []

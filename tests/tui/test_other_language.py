"""In a longer language of wide characters dialogs say everything, and keep their frame."""

from collections.abc import Iterator

import pytest
from rich.cells import cell_len

from quotadeck.tui.kit.lines import Lines
from quotadeck.words import use
from tests.tui.driving import choose, quotadeck, quotadeck_of, scripted, until
from tests.tui.scripted import agree
from tests.words.pseudo import PSEUDO

PLAIN = (
    "limit", "pause", "fallback", "undo", "reason", "public", "until", "estimate", "requests",
    "admitted", "command", "apply", "leave", "choose", "change", "made", "because", "file",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _pseudo() -> Iterator[None]:
    before = use(PSEUDO)
    yield
    use(before)


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("key", ["p", "l", "f", "u"])
async def test_a_dialog_in_another_language(key: str, width: int) -> None:
    async with quotadeck(scripted(answer=agree)).run_test(size=(width, 24)) as pilot:
        await choose(pilot, "analytics")
        await pilot.press(key, *("40" if key == "l" else ""))
        app = quotadeck_of(pilot)
        await until(pilot, lambda: "→" in "".join(app.screen.query_one(".modal", Lines).text()))
        lines = app.screen.query_one(".modal", Lines).text()
        assert {cell_len(line) for line in lines} == {width}
        ours = [line for line in lines if "quotadeck" not in line]  # the shell has one language
        words = {word for line in ours for word in line.split()}
        assert not words & set(PLAIN)

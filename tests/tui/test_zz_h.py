import re, sys
sys.path.insert(0,'/work/wt/console8')
from tests.tui.test_terminal import console, OURS
import pytest
@pytest.mark.parametrize("n", range(12))
def test_h(n):
    with console("--scene", "hostile", "--projects", "7", columns=140, rows=40) as screen:
        screen.shows("[@click=app.quit]x[/]", "[red]zzz[/nope]", "cleared", "txt.exe")
        screen.press("l")
        screen.shows("limit [@click=app.quit]x[/]")
        screen.press("esc", "u")
        screen.shows("undo")
        screen.press("esc", "q")
        assert screen.exit_code() == 0
        text = bytes(screen.raw).decode()
    rest = OURS.sub("\0", text)
    bad=[(rest[max(0,m.start()-60):m.end()+60]) for m in re.finditer("[\x07\x1b]", rest)]
    assert not bad

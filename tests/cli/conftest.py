"""One gateway process for the commands' tests; each test has a project of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quotadeck.cli.app import run as run_command
from tests.cli.driver import Ran, home_env, quotadeck
from tests.processes import Gateway, running

CHANGED = ("analytics", "checkout", "listed", "quiet", "search", "support", "twice", "untouched")
# Of one test each: what was asked, and the requests that a minute has left, are its own.
ASKED = (
    "asked",
    "booked",
    "called",
    "leafed",
    "limited",
    "priced",
    "refusing",
    "reported",
    "sought",
)
PROJECTS = "\n".join(
    [
        *(
            f'[projects.{name}]\nrpm = 20\ntpm = 80000\ndaily_budget_usd = "500.00"'
            for name in CHANGED + ASKED
        ),
        '[projects."gpt-4.1"]\n[projects.probed]\n[projects.wide]\nname = "分析 チーム"',
    ]
)
PROJECT_COUNT = len(CHANGED) + len(ASKED) + 3


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A running gateway over a simulated upstream without delays."""
    with running(tmp_path_factory.mktemp("gw"), PROJECTS) as started:
        yield started


Run = Callable[..., Ran]


@pytest.fixture
def run(gateway: Gateway, tmp_path: Path) -> Run:
    """Run `quotadeck` with that gateway's socket in its environment."""
    env = home_env(tmp_path) | {"QUOTADECK_SOCKET": str(gateway.socket)}
    return lambda *arguments, stdin="": quotadeck(*arguments, env=env, stdin=stdin)


@pytest.fixture
def homeless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run `quotadeck` within this process, a fraction of the time, where no gateway is known."""
    for name, value in home_env(tmp_path).items():
        monkeypatch.setenv(name, value)

    def go(*arguments: str) -> Ran:
        code = run_command(arguments)
        return Ran(code, *capsys.readouterr())

    return go


@pytest.fixture
def inside(homeless: Run, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same with the gateway's socket in the environment."""
    monkeypatch.setenv("QUOTADECK_SOCKET", str(gateway.socket))
    return homeless

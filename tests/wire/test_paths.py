"""Where things are, and which gateway is meant."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from quotadeck.wire import paths
from quotadeck.wire.paths import Found, find_socket
from tests.sources.nobody import nobody


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with nothing in it, with a name short enough for sockets."""
    with TemporaryDirectory(prefix="qd") as folder:
        base = Path(folder)
        monkeypatch.setenv("HOME", folder)
        monkeypatch.setenv("XDG_STATE_HOME", str(base / "state"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(base / "config"))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(base / "run"))
        monkeypatch.delenv("QUOTADECK_SOCKET", raising=False)
        monkeypatch.setattr(paths, "SERVICE_SOCKET", base / "service.sock")
        yield base


@pytest.fixture
def open_sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def bound(stack: ExitStack, path: Path, *, listening: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    server = stack.enter_context(socket.socket(socket.AF_UNIX))
    server.bind(str(path))
    if listening:
        server.listen()
    return path


def configured(text: str) -> None:
    path = paths.config_file()
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")


def test_places_follow_the_xdg_variables(home: Path) -> None:
    assert paths.state_dir() == home / "state/quotadeck"
    assert paths.config_file() == home / "config/quotadeck/config.toml"
    assert paths.runtime_socket() == home / "run/quotadeck/gateway.sock"
    assert paths.demo_dir() == home / "state/quotadeck/demo"


@pytest.mark.parametrize("value", ["", "relative/path"])
def test_an_empty_or_relative_variable_counts_as_unset(
    home: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, value)
    assert paths.state_dir() == home / ".local/state/quotadeck"
    assert paths.config_file() == home / ".config/quotadeck/config.toml"
    assert paths.runtime_socket() == home / ".local/state/quotadeck/gateway.sock"


def test_asking_where_things_are_creates_nothing(home: Path) -> None:
    find_socket()
    paths.demo_socket()
    assert list(home.iterdir()) == []


def test_the_longest_path_that_fits_can_be_bound_and_one_more_byte_is_refused(
    home: Path, open_sockets: ExitStack
) -> None:
    room = paths.MAX_SOCKET_BYTES - len(str(home)) - 1
    longest = home / ("s" * room)
    assert paths.fitting_socket(longest) == longest
    bound(open_sockets, longest)
    with pytest.raises(paths.SocketPathTooLong, match="at most"):
        paths.fitting_socket(home / ("s" * (room + 1)))
    with pytest.raises(paths.SocketPathTooLong):
        paths.fitting_socket(home / ("é" * (room // 2 + 1)))


def test_the_first_named_or_existing_socket_is_the_one(
    home: Path, monkeypatch: pytest.MonkeyPatch, open_sockets: ExitStack
) -> None:
    assert find_socket() == Found(paths.runtime_socket(), "own_place")
    demo = bound(open_sockets, paths.demo_socket())
    assert find_socket() == Found(demo, "running_demo")
    service = bound(open_sockets, paths.SERVICE_SOCKET)
    assert find_socket() == Found(service, "service_place")
    own = bound(open_sockets, paths.runtime_socket())
    assert find_socket() == Found(own, "own_place")
    configured('[gateway]\nsocket = "gw.sock"\n')
    config = paths.config_file()
    assert find_socket() == Found(config.parent / "gw.sock", str(config))
    monkeypatch.setenv("QUOTADECK_SOCKET", "/else/where.sock")
    assert find_socket() == Found(Path("/else/where.sock"), "QUOTADECK_SOCKET")
    assert find_socket(Path("asked")) == Found(Path("asked"), "--socket")


def test_a_dead_gateways_socket_is_not_passed_over_for_the_demo(
    home: Path, open_sockets: ExitStack
) -> None:
    bound(open_sockets, paths.demo_socket())
    own = bound(open_sockets, paths.runtime_socket(), listening=False)
    assert find_socket().path == own


def test_a_service_behind_a_closed_folder_counts_and_a_strangers_place_does_not(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for closed in ("run", "service"):
        (home / closed / "quotadeck").mkdir(parents=True)
        (home / closed).chmod(0o000)
    home.chmod(0o755)
    with nobody():
        assert find_socket() == Found(paths.runtime_socket(), "own_place")
        monkeypatch.setattr(paths, "SERVICE_SOCKET", home / "service/quotadeck/gateway.sock")
        assert find_socket() == Found(paths.SERVICE_SOCKET, "service_place")
    for closed in ("run", "service"):
        (home / closed).chmod(0o700)


def test_an_account_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 7)
    with pytest.raises(FileNotFoundError, match="no home directory: set HOME, or XDG_CONFIG_HOME"):
        paths.config_file()


def test_a_demo_that_has_ended_is_not_found(home: Path, open_sockets: ExitStack) -> None:
    bound(open_sockets, paths.demo_socket(), listening=False)
    assert find_socket().path == paths.runtime_socket()


@pytest.mark.parametrize(
    "text", ["", "[gateway]\n", "not toml", "gateway = 3\n", "[gateway]\nsocket = 4\n"]
)
def test_a_config_that_names_no_socket_is_passed_over(home: Path, text: str) -> None:
    configured(text)
    assert find_socket().path == paths.runtime_socket()


def test_a_state_folder_is_told_of_the_socket_that_the_config_names_alone(home: Path) -> None:
    assert paths.state_of(paths.runtime_socket()) == paths.state_dir()
    configured(f'[gateway]\nsocket = "gw.sock"\nstate = "{home}/elsewhere"\n')
    own = paths.config_file().parent / "gw.sock"
    assert paths.state_of(own) == home / "elsewhere"
    assert paths.state_of(paths.runtime_socket()) is None

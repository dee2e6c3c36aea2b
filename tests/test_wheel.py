"""What is installed from a wheel is whole: the package, its themes, its typing mark."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree and unpacked as an installer would."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = directory.glob("quotadeck-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory / "site")
    return directory / "site"


def run(site: Path, code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=site, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_runs_from_the_wheel(site: Path) -> None:
    where = run(site, "import quotadeck; print(quotadeck.__file__)")
    assert str(site) in where
    said = run(
        site, "import sys; sys.argv[1:] = ['--version']; from quotadeck.cli import main; main()"
    )
    assert said.startswith("quotadeck ")


def test_the_themes_are_in_the_wheel(site: Path) -> None:
    names = {path.name for path in (site / "quotadeck" / "_themes").iterdir()}
    assert names == {path.name for path in (ROOT / "themes").iterdir()}


def test_the_wheel_is_typed_and_holds_nothing_but_the_package(site: Path) -> None:
    assert (site / "quotadeck" / "py.typed").exists()
    top = {path.name for path in site.iterdir()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"quotadeck"}


def test_a_foreign_package_called_console_is_no_obstacle(site: Path, tmp_path: Path) -> None:
    (tmp_path / "console").mkdir()
    (tmp_path / "console" / "__init__.py").write_text("theirs = True\n")
    said = run(
        site,
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import console; "
        "from quotadeck.cli import main; print(console.theirs); "
        "sys.argv[1:] = ['--version']; main()",
    )
    assert said.startswith("True\nquotadeck ")

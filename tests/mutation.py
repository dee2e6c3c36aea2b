"""Takes each line and each entry out of the gateway's wiring in turn: a test must notice.

    python -m tests.mutation [--file FILE …] [--jobs N] [TESTS …]

Works on copies of the package beside each other, never on the tree itself. Taken out is every
statement of a function that is no definition, ``return``, ``raise`` or ``pass``, every argument of
a call that can be left out, and every element of a tuple, list or dict. Prints what survived, and
exits 1 if anything did.
"""

import argparse
import ast
import copy
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROCESS = Path("console/quotadeck/gateway/process")
TESTS = {
    PROCESS / "assembly.py": ("tests/gateway/test_assembly.py", "tests/gateway"),
    PROCESS / "server.py": (
        "tests/gateway/test_server.py",
        "tests/e2e/test_lifecycle.py",
        "tests/e2e/test_signals.py",
        "tests/e2e/test_doors.py",
    ),
}
"""Of each file of the wiring, whose tests are to notice, the quickest first."""
WITHIN_S = 300.0
_KEPT = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Return | ast.Raise | ast.Pass
_NAMED_FIELDS = ("body", "orelse", "finalbody")


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """(what is missing, the source without it)."""
    tree = ast.parse(source)
    for index, node in enumerate(ast.walk(tree)):
        for field, at in _removable(node):
            changed = copy.deepcopy(tree)
            twin = next(one for number, one in enumerate(ast.walk(changed)) if number == index)
            gone = getattr(twin, field).pop(at)
            if isinstance(twin, ast.Dict):
                twin.keys.pop(at)
            if field in _NAMED_FIELDS and not getattr(twin, field):
                getattr(twin, field).append(ast.Pass())
            what = ast.unparse(gone).splitlines()[0]
            line = getattr(gone, "lineno", getattr(node, "lineno", 0))
            yield f"line {line}: {what}", ast.unparse(ast.fix_missing_locations(changed))


def _removable(node: ast.AST) -> Iterator[tuple[str, int]]:
    """(field, index) of what may go from this node."""
    if not isinstance(node, ast.Module | ast.ClassDef):
        for field in _NAMED_FIELDS:
            some = getattr(node, field, None)
            for at, one in enumerate(some if isinstance(some, list) else ()):
                if not isinstance(one, _KEPT) and not _is_text(one):
                    yield field, at
    if isinstance(node, ast.Call):
        yield from (("keywords", at) for at in range(len(node.keywords)))
        yield from (("args", at) for at in range(len(node.args)))
    if isinstance(node, ast.Tuple | ast.List) and isinstance(node.ctx, ast.Load):
        yield from (("elts", at) for at in range(len(node.elts)))
    if isinstance(node, ast.Dict):
        yield from (("values", at) for at in range(len(node.values)))


def _is_text(one: ast.stmt) -> bool:
    return isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)


class Copy:
    """The package and the tests in a folder of their own."""

    def __init__(self, directory: Path, file: Path) -> None:
        self._root = directory
        self._file = directory / file
        shutil.copytree(ROOT / "console", directory / "console")
        shutil.copytree(ROOT / "tests", directory / "tests")
        for extra in ("pyproject.toml", "themes"):
            source = ROOT / extra
            (shutil.copytree if source.is_dir() else shutil.copy)(source, directory / extra)

    def passes(self, source: str, tests: tuple[str, ...]) -> bool:
        """Whether every test passes with this source, the named ones before the others."""
        self._file.write_text(source)
        return all(self._run(test) for test in tests)

    def _run(self, test: str) -> bool:
        env = {**os.environ, "PYTHONPATH": f"{self._root / 'console'}:{self._root}"}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
        command += [f"--basetemp={self._root / 'tmp'}", test]
        try:
            done = subprocess.run(
                command, cwd=self._root, env=env, capture_output=True, timeout=WITHIN_S, check=False
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def survivors(file: Path, tests: tuple[str, ...], jobs: int) -> tuple[list[str], int]:
    """What may be missing and no test notices, told as it is found, and how many were tried."""
    source = (ROOT / file).read_text()
    tried = list(mutants(source))
    with tempfile.TemporaryDirectory() as directory:
        copies = [Copy(Path(directory) / str(number), file) for number in range(jobs)]
        if not copies[0].passes(source, tests):
            raise SystemExit(f"the tests fail as it is: {', '.join(tests)}")

        def share(number: int) -> list[str]:
            unnoticed = []
            for what, changed in tried[number::jobs]:
                if copies[number].passes(changed, tests):
                    print(f"  {what}", flush=True)
                    unnoticed.append(what)
            return unnoticed

        with ThreadPoolExecutor(jobs) as pool:
            found = [what for some in pool.map(share, range(jobs)) for what in some]
    return found, len(tried)


def main() -> int:
    """Print the survivors."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("tests", nargs="*")
    parser.add_argument("--file", type=Path, action="append", dest="files")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    unnoticed = 0
    for file in asked.files or TESTS:
        tests = tuple(asked.tests) or TESTS.get(file, ("tests/gateway",))
        found, tried = survivors(file, tests, asked.jobs)
        print(f"{file}: {tried} tried, {len(found)} not noticed", flush=True)
        unnoticed += len(found)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())

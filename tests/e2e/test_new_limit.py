"""A new kind of limit is four rows in four files; all that knows limits knows it then."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import quotadeck
from tests.processes import running, wait_until

RULE = """\
    Rule(
        LimitKind.ITPM, Field.ITPM, Measure.RATE, {SubjectKind.PROJECT: Cause.ITPM},
        lambda of: of.input_tokens,
    ),
"""
ROWS = {
    "domain/rules.py": (
        ('    TPM = "tpm"\n', '    ITPM = "itpm"\n'),
        ("RULES: Final = (\n", RULE),
    ),
    "domain/commands.py": (('    TPM = "tpm"\n', '    ITPM = "itpm"\n'),),
    "domain/cause.py": (('    TPM = "tpm"\n', '    ITPM = "itpm"\n'),),
    "wire/config/models.py": (
        (
            '    """Tokens per minute, input and output together."""\n',
            '    itpm: PerMinute = None\n    """Input tokens per minute."""\n',
        ),
    ),
}
"""Input tokens per minute: where in each file, and what is written behind it."""


@pytest.fixture
def grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package with the new kind of limit; processes that are started find it first."""
    package = tmp_path / "grown" / "quotadeck"
    shutil.copytree(Path(quotadeck.__file__).parent, package)
    for name, rows in ROWS.items():
        text = (package / name).read_text()
        for before, row in rows:
            assert text.count(before) == 1, (name, before)
            text = text.replace(before, before + row)
        (package / name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    return package.parent


def test_a_new_kind_of_limit_arrives_everywhere(grown: Path, tmp_path: Path) -> None:
    """Config, admission, refusal, record, row, table, command, estimate, help, reference."""

    def cli(*words: str) -> str:
        command = [sys.executable, "-m", "quotadeck", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
        return done.stdout

    with running(tmp_path, "[projects.fed]\nitpm = 400\n[projects.free]\n") as gateway:
        at = ("--socket", str(gateway.socket))
        headers = {"authorization": f"Bearer {gateway.add_key('fed')}"}

        def ask(words: int) -> httpx.Response:
            messages = [{"role": "user", "content": "river " * words}]
            body = {"model": "gpt-4.1", "messages": messages, "max_tokens": 5_000}
            url = gateway.base_url + "/chat/completions"
            return httpx.post(url, json=body, headers=headers, timeout=20)

        assert ask(60).status_code == 200, "what it may answer is not input"
        refused = ask(2_000)
        assert refused.status_code == 429
        told = refused.json()["error"]
        assert (told["limit"], told["type"]) == ("project:fed:itpm", "tokens")
        assert "400 itpm" in told["message"]
        [call] = wait_until(lambda: gateway.calls(project="fed", outcome="refused"))
        assert (call["cause"], call["binding"]) == ("itpm", "project:fed:itpm")

        [fed, free] = json.loads(cli("projects", "--json", *at))["projects"]
        [limit] = fed["limits"]
        assert (limit["field"], limit["limit"], free["limits"]) == ("itpm", 400, [])
        assert 60 <= limit["used"] < 400
        head, row, _ = cli("projects", *at).splitlines()
        assert row[: head.index("itpm") + len("itpm")].endswith(" 400")

        how = ("--for", "1h", "--reason", "import", *at)
        # So much that it fits in a second: the present minute may have just begun.
        dry = cli("limit", "fed", "itpm", "100k", "--dry-run", *how)
        assert "admitted 1 → 2" in dry, "what it refused would have been let through"
        assert "itpm: 400 → 9,000" in cli("limit", "fed", "itpm", "9k", *how)
        assert ask(2_000).status_code == 200
        assert "itpm" in cli("limit", "--help")
    reference = "import quotadeck.wire.config.reference as r; print(r.config_reference())"
    assert (
        "Input tokens per minute."
        in subprocess.run(
            [sys.executable, "-c", reference], capture_output=True, text=True, check=True
        ).stdout
    )

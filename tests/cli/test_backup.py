"""`quotadeck backup`: a copy of the ledger, whether a gateway runs or not."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from quotadeck.store import Ledger, standing
from quotadeck.store.backup.vacuum import checked
from tests.cli.conftest import Run
from tests.cli.driver import home_env, quotadeck
from tests.clocks import HandClock
from tests.processes import Gateway
from tests.store.values import ended, entry


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A closed store with three calls."""

    async def make() -> None:
        ledger = await Ledger.open(tmp_path / "quotadeck", HandClock())
        for number in range(3):
            ledger.end_call(ended(f"req_{number}"))
        await ledger.command(entry("cmd_1"), durable=True)
        await ledger.close()

    asyncio.run(make())
    return tmp_path / "quotadeck"


@pytest.fixture
def backup(homeless: Run) -> Run:
    return lambda state, *more: homeless("backup", "--state", str(state), *more)


def test_a_stopped_ledger_is_copied_to_its_own_folder_and_elsewhere(
    backup: Run, state: Path, tmp_path: Path
) -> None:
    said = backup(state)
    assert said.code == 0
    [made] = standing(state)
    assert f"copied to {made.path}" in said.out
    assert "read back and whole" in said.out
    to = tmp_path / "ledger-friday.db"
    told = backup(state, "--to", str(to), "--json")
    assert told.code == 0
    assert told.json["path"] == str(to)
    assert told.json["journal"] == {"segment": made.folded.segment, "byte": made.folded.offset}
    assert checked(to).folded == made.folded
    assert told.err == ""


def test_a_running_gateways_ledger_is_copied_and_the_gateway_counts_it(
    backup: Run, gateway: Gateway
) -> None:
    said = backup(gateway.state, "--json")
    assert said.code == 0, said.err
    assert checked(Path(said.json["path"])).folded == standing(gateway.state)[0].folded
    assert gateway.snapshot().vitals.problems == ()


def test_what_cannot_be_copied_is_one_line_and_nothing_is_left(
    backup: Run, state: Path, tmp_path: Path
) -> None:
    for folder in ("", "/", str(tmp_path)):
        there = backup(state, "--to", folder)
        assert (there.code, "is there already" in there.err) == (1, True)
    nowhere = backup(tmp_path / "nowhere")
    assert nowhere.code == 1
    assert "does not exist: no gateway has kept a ledger there" in nowhere.err
    taken = tmp_path / "taken.db"
    taken.write_text("precious")
    refused = backup(state, "--to", str(taken))
    assert refused.code == 1
    assert "is there already; move it away, or name another file" in refused.err
    assert taken.read_text() == "precious"
    missing = backup(state, "--to", str(tmp_path / "no" / "such" / "copy.db"))
    assert missing.code == 1
    assert "No such file" in missing.err
    (state / "ledger.db").write_bytes(b"all work and no play")
    damaged = backup(state)
    assert damaged.code == 1
    assert "not a SQLite database" in damaged.err
    assert standing(state) == []
    for said in (nowhere, refused, missing, damaged):
        assert said.err.count("\n") == 1
        assert said.out == ""


def test_another_account_may_copy_elsewhere_alone(
    backup: Run, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = state.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    refused = backup(state)
    assert refused.code == 1
    assert "the account that owns" in refused.err
    assert not (state / "backups").exists()
    assert backup(state, "--to", str(tmp_path / "copy.db")).code == 0


def test_a_ledger_that_was_left_open_says_what_its_copy_may_lack(
    backup: Run, tmp_path: Path
) -> None:
    async def leave() -> None:
        ledger = await Ledger.open(tmp_path / "running", HandClock())
        ledger.end_call(ended("req_1"))
        await ledger.flushed()
        shutil.copytree(tmp_path / "running", tmp_path / "left")
        await ledger.close()

    asyncio.run(leave())
    said = backup(tmp_path / "left", "--json")
    assert said.code == 0
    assert "ended without closing its ledger" in said.err
    assert json.loads(said.out)["path"]


def test_the_doctor_tells_the_backups_age_and_what_a_start_would_rebuild(
    backup: Run, state: Path
) -> None:
    home = home_env(state.parent) | {"XDG_STATE_HOME": str(state.parent)}

    def doctor() -> str:
        return quotadeck("doctor", env=home).out

    assert "no backup yet" in doctor()
    backup(state)
    assert "backup <5s old" in doctor()
    (state / "ledger.db").unlink()
    assert "start the gateway: it rebuilds it" in doctor()

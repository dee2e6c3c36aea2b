"""`quotadeck audit verify`: the command log, from its own file, whether a gateway runs or not."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from quotadeck.store import Ledger
from tests.cli.conftest import Run
from tests.cli.driver import home_env, quotadeck
from tests.clocks import HandClock
from tests.processes import Gateway
from tests.store.values import entry


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A closed store with three commands."""

    async def make() -> None:
        ledger = await Ledger.open(tmp_path / "quotadeck", HandClock())
        for number in range(3):
            await ledger.command(entry(f"cmd_{number}", value=number), durable=True)
        await ledger.close()

    asyncio.run(make())
    return tmp_path / "quotadeck"


@pytest.fixture
def verify(homeless: Run) -> Run:
    """Run `quotadeck audit verify` on a state folder."""
    return lambda state, *more: homeless("audit", "verify", "--state", str(state), *more)


def tamper(state: Path, statement: str) -> None:
    db = sqlite3.connect(state / "ledger.db", isolation_level=None)
    db.executescript(
        "DROP TRIGGER commands_are_never_changed; DROP TRIGGER commands_are_never_removed"
    )
    db.execute(statement)
    db.close()


def test_a_log_that_holds_prints_its_head_which_is_found_again(verify: Run, state: Path) -> None:
    said = verify(state, "--json")
    assert said.code == 0
    assert said.json["ok"]
    assert (said.json["entries"], said.json["last_seq"]) == (3, 3)
    head = said.json["head"]
    words = verify(state, "--head", head)
    assert words.code == 0
    assert "holds: 3 entries, the last is number 3" in words.out
    assert "nothing up to there was cut off" in words.out
    assert words.out.splitlines()[-1] == f"head  {head}"


def test_a_cut_off_end_is_told_by_a_kept_head_alone(verify: Run, state: Path) -> None:
    head = verify(state, "--json").json["head"]
    tamper(state, "DELETE FROM commands WHERE seq = 3")
    assert verify(state).code == 0
    cut = verify(state, "--head", head)
    assert cut.code == 1
    assert "MISSING: no entry has the kept head" in cut.out
    assert verify(state, "--head", head, "--json").json["kept_head_found"] is False


def test_a_changed_entry_is_told_with_its_number_and_what_it_means(
    verify: Run, state: Path
) -> None:
    tamper(state, "UPDATE commands SET subject = 'project:search' WHERE seq = 2")
    said = verify(state)
    assert said.code == 1
    assert "from entry 2 on (its number or subject was changed); 1 entry after it" in said.out
    told = verify(state, "--json")
    assert (told.code, told.json["ok"], told.json["broken"]["seq"]) == (1, False, 2)


def test_no_store_is_one_line_that_names_the_option(verify: Run, tmp_path: Path) -> None:
    said = verify(tmp_path / "nowhere")
    assert said.code == 1
    assert "no gateway has kept a ledger there (--state names another folder)" in said.err


def test_it_works_beside_a_running_gateway(verify: Run, gateway: Gateway, tmp_path: Path) -> None:
    said = verify(gateway.state, "--json")
    assert (said.code, said.json["ok"]) == (0, True)
    listed = quotadeck(
        "audit", "--last", "1", "--json", "--socket", str(gateway.socket), env=home_env(tmp_path)
    )
    assert listed.code == 0, "the list is where it was"


def test_the_doctor_tells_of_a_gateway_that_is_down_what_its_next_start_will_find(
    state: Path,
) -> None:
    tamper(state, "UPDATE commands SET hash = '00' WHERE seq = 1")
    (state / "journal" / "0000000001.journal").unlink()
    home = home_env(state.parent) | {"XDG_STATE_HOME": str(state.parent)}
    said = quotadeck("doctor", "--json", env=home)
    found = [f["found"] for f in said.json["findings"] if f["check"] == "store"]
    assert said.code == 1
    assert any("segment 1 is missing" in words for words in found), found
    assert any("does not hold from entry 1 on" in words for words in found), found

"""Commands left for a gateway that was down: who they are from, and what is none of them."""

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from quotadeck.domain.commands import Role
from quotadeck.gateway.control import offline
from quotadeck.wire.offline import FORMAT
from quotadeck.words import say
from tests.gateway.desks import HOUR_MS, Bench, bench, code
from tests.gateway.serving import ME
from tests.gateway.test_desk import full_disk

NOBODY = 65_534
PAUSE_BODY: dict[str, Any] = {
    "action": "pause",
    "subject": "project:analytics",
    "reason": "down at night",
    "for_ms": HOUR_MS,
    "idempotency_key": "key-00001",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "offline"
    made.mkdir()
    return made


def leave(folder: Path, name: str = "a.json", **changes: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({**PAUSE_BODY, **changes}))
    return path


async def start(at: Bench, folder: Path, own_uid: int = os.getuid()) -> list[str]:
    """Take the folder in; what was told beside the commands."""
    roles = {Role.OPERATOR: (f"user:{ME}",)}
    told: list[str] = []
    await offline.take_in(
        folder, at.desk, own_uid, roles, at.clock, lambda event: told.append(say(event.told))
    )
    return told


async def test_a_newer_versions_command_is_told_and_left(tmp_path: Path, folder: Path) -> None:
    path = leave(folder, format=FORMAT + 1, of={"the": "future"})
    async with bench(tmp_path) as at:
        (told,) = await start(at, folder)
        assert f"format {FORMAT + 1}" in told
        assert told.endswith("it was left as it is: update Quotadeck")
        assert (at.paused(), path.exists()) == (False, True)
        leave(folder, format=FORMAT)
        assert await start(at, folder) == []
        assert (at.paused(), path.exists()) == (True, False)


async def test_a_command_is_carried_out_once_and_its_file_goes(
    tmp_path: Path, folder: Path
) -> None:
    path = leave(folder)
    async with bench(tmp_path) as at:
        assert await start(at, folder, own_uid=-1) == []
        assert (at.paused(), path.exists()) == (True, False)
        (entry,) = await at.entries()
        assert (entry.actor, entry.role, entry.origin) == (ME, Role.OPERATOR, "offline")
        leave(folder, "again.json")
        assert await start(at, folder, own_uid=-1) == []
        assert len(await at.entries()) == 1


async def test_a_dry_run_is_never_carried_out(tmp_path: Path, folder: Path) -> None:
    path = leave(folder, dry_run=True)
    async with bench(tmp_path) as at:
        for _ in range(2):
            (told,) = await start(at, folder)
            assert told.startswith("offline/a.json: a dry run, which nobody would see")
            assert (at.paused(), path.exists(), await at.entries()) == (False, True, [])


async def test_the_version_that_its_author_saw_is_heeded(tmp_path: Path, folder: Path) -> None:
    path = leave(folder, action="limit", field="rpm", value=10, expected_version=7)
    async with bench(tmp_path) as at:
        assert await start(at, folder) == []
        (entry,) = await at.entries()
        assert code(entry) == "stale"
        assert (at.rpm(), path.exists()) == (20, False)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"action": "pause"}', '{"value": 1e999}', "\udcff", "[" * 10_000],
)
async def test_what_is_no_command_stays_and_is_told(
    tmp_path: Path, folder: Path, text: str
) -> None:
    path = folder / "a.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    leave(folder, "b.json")
    async with bench(tmp_path) as at:
        (told,) = await start(at, folder)
        assert told.startswith("offline/a.json: not a command: ")
        assert (at.paused(), path.exists()) == (True, True)


async def test_odd_files_stay_and_are_told(tmp_path: Path, folder: Path) -> None:
    real = leave(tmp_path, "real.json")
    (folder / "1-link.json").symlink_to(real)
    os.link(real, folder / "2-hard.json")
    os.mkfifo(folder / "3-fifo.json")
    (folder / "4-folder.json").mkdir()
    (folder / "5-large.json").write_bytes(b" " * (offline.MAX_FILE_BYTES + 1))
    leave(folder, "not-whole.part")
    async with bench(tmp_path) as at:
        told = await start(at, folder)
        assert [text.partition("-")[0] for text in told] == [f"offline/{n}" for n in range(1, 6)]
        assert not at.paused()


async def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path, folder: Path) -> None:
    leave(folder)
    link = tmp_path / "link"
    link.symlink_to(folder)
    async with bench(tmp_path) as at:
        (told,) = await start(at, link)
        assert "a link to somewhere else" in told
        assert not at.paused()


async def test_a_folder_that_is_none_is_told_and_a_missing_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "offline").write_text("")
    async with bench(tmp_path) as at:
        assert await start(at, tmp_path / "none") == []
        (told,) = await start(at, tmp_path / "offline")
        assert "cannot be read (Not a directory)" in told


@pytest.mark.skipif(os.getuid() != 0, reason="gives files to others, as root alone may")
async def test_a_file_of_another_has_the_role_of_its_owner(tmp_path: Path, folder: Path) -> None:
    path = leave(folder)
    os.chown(path, 54_321, -1)
    other = leave(folder, "b.json", idempotency_key="key-00002")
    os.chown(other, NOBODY, -1)
    async with bench(tmp_path) as at:
        assert await start(at, folder) == []
        entries = await at.entries()
        names = ["uid:54321", pwd.getpwuid(NOBODY).pw_name]
        assert [entry.actor for entry in entries] == names
        assert not any(entry.applied for entry in entries)
        assert [at.paused(), path.exists(), other.exists()] == [False] * 3


async def test_many_bad_files_are_told_in_few_words(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "MAX_FILES", 30)
    for number in range(40):
        (folder / f"{number:02}.json").write_text("{")
    async with bench(tmp_path) as at:
        told = await start(at, folder)
    assert told[0].startswith("offline holds 10 files more than the 30 that are looked at")
    assert told[-1] == "offline: 11 more were left as they are"
    assert len(told) == 21


async def test_a_start_carries_out_so_many_commands_past_any_bad_files(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "MAX_COMMANDS", 2)
    for number in range(3):
        (folder / f"0{number}.json").write_text("{")
        leave(folder, f"1{number}.json", idempotency_key=f"key-0000{number}")
    async with bench(tmp_path) as at:
        told = await start(at, folder)
        assert told[-1] == "offline: 2 commands were taken in; the rest waits for a start"
        assert len(await at.entries()) == 2
        assert len(await start(at, folder)) == 3
        assert len(await at.entries()) == 3


async def test_what_loosens_and_cannot_be_recorded_stays_for_the_next_start(
    tmp_path: Path, folder: Path
) -> None:
    path = leave(folder, action="limit", field="rpm", value=30)
    async with bench(tmp_path) as at:
        with full_disk():
            (told,) = await start(at, folder)
        assert "the command log cannot be written" in told
        assert (at.rpm(), path.exists()) == (20, True)
        assert await start(at, folder) == []
        assert (at.rpm(), path.exists()) == (30, False)

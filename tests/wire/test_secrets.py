"""Where secrets come from, and what is refused: with real files and real programs."""

import os
import sys
from pathlib import Path

import pytest

from quotadeck.wire.config import secrets
from quotadeck.wire.config.secret_ref import SecretRef
from quotadeck.wire.config.secrets import SecretUnavailable, resolve

SECRET = "sk-live-0123456789abcdef0123456789abcdef"


def of_file(folder: Path, content: bytes = f"{SECRET}\n".encode(), mode: int = 0o600) -> str:
    path = folder / "upstream.key"
    path.write_bytes(content)
    path.chmod(mode)
    return resolve(SecretRef(file="upstream.key"), folder, {})


def of_program(folder: Path, code: str) -> str:
    return resolve(SecretRef(command=[sys.executable, "-c", code]), folder, {})


def test_the_environment_gives_the_secret_without_its_blanks(tmp_path: Path) -> None:
    assert resolve(SecretRef(env="KEY"), tmp_path, {"KEY": f" {SECRET}\n"}) == SECRET


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440])
def test_a_file_beside_the_config_gives_the_secret(tmp_path: Path, mode: int) -> None:
    assert of_file(tmp_path, mode=mode) == SECRET


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602, 0o601])
def test_a_file_that_others_can_open_is_refused_with_its_mode(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SecretUnavailable, match=rf"mode {mode:04o}.*chmod 600") as refused:
        of_file(tmp_path, mode=mode)
    assert SECRET not in str(refused.value)


def test_a_missing_file_a_directory_and_a_fifo_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailable, match="No such file"):
        resolve(SecretRef(file="absent"), tmp_path, {})
    with pytest.raises(SecretUnavailable, match="not a plain file"):
        resolve(SecretRef(file="."), tmp_path, {})
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(SecretUnavailable, match="not a plain file"):
        resolve(SecretRef(file="pipe"), tmp_path, {})


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"one\nkey", b"two words", b"bad\xffbytes", "kéy".encode(), b"k\r\nX-Evil: 1"],
)
def test_what_could_not_stand_in_a_header_is_refused_unseen(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SecretUnavailable) as refused:
        of_file(tmp_path, content)
    assert "Evil" not in str(refused.value)
    assert "words" not in str(refused.value)


def test_a_file_of_many_bytes_is_not_read_whole(tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailable, match="16,384 bytes"):
        of_file(tmp_path, b"x" * 20_000)


def test_a_programs_output_is_the_secret(tmp_path: Path) -> None:
    assert of_program(tmp_path, f"print('{SECRET}')") == SECRET


def test_a_program_that_fails_is_named_and_its_output_kept_back(tmp_path: Path) -> None:
    code = f"import sys; print('{SECRET}'); print('{SECRET}', file=sys.stderr); sys.exit(3)"
    with pytest.raises(SecretUnavailable, match="exited with 3") as refused:
        of_program(tmp_path, code)
    assert SECRET not in str(refused.value)
    with pytest.raises(SecretUnavailable, match="cannot be run"):
        resolve(SecretRef(command=["no-such-program-here"]), tmp_path, {})


def test_a_program_that_hangs_does_not_hold_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "COMMAND_TIMEOUT_S", 0.2)
    with pytest.raises(SecretUnavailable, match="did not end"):
        of_program(tmp_path, "import signal; signal.pause()")

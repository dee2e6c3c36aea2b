"""Secrets by reference: from the environment, a file or a program; never from the config itself.

Nothing here puts a secret, or what might be one, into an error.
"""

import os
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from quotadeck.domain.text import clean
from quotadeck.wire.config.secret_ref import SecretRef

MAX_BYTES = 16_384
COMMAND_TIMEOUT_S = 10
_FORBIDDEN_MODE = 0o027
"""Others may do nothing, the group may only read: 0600 and 0640 pass."""


class SecretUnavailable(Exception):
    """A secret could not be had: what was found, and what to do."""

    def __init__(self, found: str, allowed: str) -> None:
        self.found = found
        self.allowed = allowed
        super().__init__(f"{found}; {allowed}")


def resolve(ref: SecretRef, folder: Path, env: Mapping[str, str]) -> str:
    """The secret itself. ``folder`` is where relative paths start. Raises SecretUnavailable."""
    if ref.env is not None:
        source = f"the environment variable {ref.env}"
        secret = env.get(ref.env, "")
        if not secret.strip():
            raise SecretUnavailable(
                f"that {source} is {'empty' if ref.env in env else 'not set'}",
                f'set it before the start (export {ref.env}=…), or use {{ file = "PATH" }}',
            )
    elif ref.file is not None:
        path = folder / ref.file
        source, secret = f"the file {clean(str(path))}", _of_file(path)
    else:
        argv = ref.command or []
        source, secret = f"the output of {clean(argv[0])}", _of_command(argv, folder)
    secret = secret.strip()
    if not secret:
        raise SecretUnavailable(f"that {source} is empty", "the secret on one line")
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        raise SecretUnavailable(
            f"that {source} is not one word of visible ASCII characters",
            "the secret alone, on one line",
        )
    return secret


def _of_file(path: Path) -> str:
    where = clean(str(path))
    try:
        # Not blocking: a FIFO that nobody writes to would hold the start for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SecretUnavailable(
            f"that {where} cannot be read ({error.strerror})", "a file that we may read"
        ) from None
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise SecretUnavailable(f"that {where} is not a plain file", "a plain file")
        if facts.st_mode & _FORBIDDEN_MODE:
            raise SecretUnavailable(
                f"that {where} is open to others (mode {stat.S_IMODE(facts.st_mode):04o})",
                f"mode 0600, or 0640 for a group: chmod 600 {where}",
            )
        content = os.read(handle, MAX_BYTES + 1)
    finally:
        os.close(handle)
    return _text(content, where)


def _of_command(argv: Sequence[str], folder: Path) -> str:
    program = clean(argv[0])
    by_hand = "a program that prints the secret and exits 0: run it by hand to see"
    try:
        done = subprocess.run(  # noqa: S603 - the config's owner names the program; no shell
            argv,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SecretUnavailable(
            f"that {program} did not end within {COMMAND_TIMEOUT_S} s", by_hand
        ) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a command"
        raise SecretUnavailable(f"that {program} cannot be run ({why})", by_hand) from None
    if done.returncode != 0:
        # Its output stays unread here: programs like to print what they were given.
        raise SecretUnavailable(f"that {program} exited with {done.returncode}", by_hand)
    return _text(done.stdout, f"the output of {program}")


def _text(content: bytes, where: str) -> str:
    if len(content) > MAX_BYTES:
        raise SecretUnavailable(f"that {where} is over {MAX_BYTES:,} bytes", "the secret alone")
    return content.decode("utf-8", "replace")

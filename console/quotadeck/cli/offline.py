"""Commands for a gateway that is not running: files it takes in at its next start.

``STATE/offline/KEY.json`` says what `quotadeck.wire.offline` writes, KEY being its idempotency key
(which begins with the time, so that names sort in order). Whoever owns the file is the actor, as
the peer of the socket would be; a file appears whole, by a rename, and the gateway removes it once
it is decided.
"""

import os
from pathlib import Path

from quotadeck.domain.commands import Command
from quotadeck.wire.offline import written

DIRECTORY_MODE = 0o2770
"""The on-call group may leave commands; files belong to whom they are from."""


def leave(state: Path, command: Command) -> Path:
    """Put a command where the gateway of that state directory finds it; the file's path."""
    folder = state / "offline"
    if not folder.is_dir():
        state.mkdir(parents=True, exist_ok=True, mode=0o750)
        folder.mkdir(exist_ok=True)
        folder.chmod(DIRECTORY_MODE)
    body = written(command)
    final = folder / f"{command.idempotency_key}.json"
    partial = final.with_suffix(".part")
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "wb") as file:  # noqa: PTH123
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(final)
    return final

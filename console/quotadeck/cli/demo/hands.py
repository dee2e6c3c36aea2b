"""What people do in the demo, at its gateway's admin API: add keys, and revoke one in a scene."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event

from quotadeck.cli.change import fresh_key
from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.reach import in_words
from quotadeck.domain.commands import Action, Command, Field
from quotadeck.domain.subject import Subject
from quotadeck.sim import Revoke, Scene
from quotadeck.sources import open_source
from quotadeck.words.commands import refusal

AT_ONCE = 16


def send(socket: Path, commands: Iterable[Command]) -> None:
    """Have all of them done, some at a time. Stop where one is refused."""
    source, gate = open_source("gateway", socket), asyncio.Semaphore(AT_ONCE)

    async def one(command: Command) -> None:
        async with gate:
            answer = await source.command(command, dry_run=False)
        if answer.refused:
            why = refusal(answer.refused)
            raise Stop(Exit.REFUSED, f"the demo's gateway refused a command: {why}")

    async def every() -> None:
        async with asyncio.TaskGroup() as group:
            for command in commands:
                group.create_task(one(command))
        await source.close()

    with in_words():
        asyncio.run(every())


class Hands:
    """Plays the steps of a scene that are not the traffic's. ``keys`` are those of strangers."""

    def __init__(self, socket: Path, keys: Mapping[str, Subject]) -> None:
        self._socket = socket
        self._keys = keys

    def play(self, scene: Scene, left: Event) -> None:
        """Do each when it is due, from now on, until ``left`` is set.

        What is refused, because the user was quicker, is done.
        """
        began_s = time.monotonic()
        steps = sorted((s for s in scene.steps if isinstance(s, Revoke)), key=lambda s: s.at_s)
        for step in steps:
            if left.wait(max(0.0, began_s + step.at_s - time.monotonic())):
                return
            if key := self._keys.get(step.stranger):
                with suppress(Stop):
                    send(self._socket, [_revoked(key, step.reason)])


def _revoked(key: Subject, reason: str) -> Command:
    return Command(Action.KEY_REVOKE, key, Field.KEY, reason=reason, idempotency_key=fresh_key())

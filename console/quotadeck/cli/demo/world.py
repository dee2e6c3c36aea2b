"""The demo's small world: a directory of its own, an upstream, a gateway, keys, traffic."""

import fcntl
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import IO, Self

from quotadeck.cli.demo.children import Child
from quotadeck.cli.demo.hands import Hands, send
from quotadeck.cli.demo.plan import config_text
from quotadeck.cli.keys import key_command, new_secret
from quotadeck.domain.commands import Command
from quotadeck.domain.subject import Subject
from quotadeck.domain.verbs.keys import MAX_PROJECTS
from quotadeck.sim import SCENES, Character, Scene, cast
from quotadeck.sources import SourceGone, knock
from quotadeck.wire.paths import (
    SOCKET_NAME,
    SocketPathTooLong,
    demo_dir,
    demo_socket,
    fitting_socket,
)

KEPT = 3
"""Directories of ended runs that stay, to be looked into."""
LEAVE_S = 0.3
"""Who leaves the demo does not wait for replies that nobody reads any more."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """The demo's options: ``speed`` multiplies the upstream's delays, ``pace`` a scene's times."""

    projects: int
    rate: float
    seed: int
    speed: float
    seconds: float | None
    scene: str = "mix"
    pace: float = 1.0

    @property
    def story(self) -> Scene:
        """The scene as it is played."""
        return SCENES[self.scene].at_pace(self.pace)


@dataclass(slots=True)
class World:
    """A running demo; a context manager that leaves no process behind."""

    home: Path
    socket: Path
    """Of the gateway's admin API."""
    wishes: Wishes
    _children: list[Child] = field(default_factory=list)
    upstream: Child | None = None
    gateway: Child | None = None
    traffic: Child | None = None
    _url: str = ""
    _upstream_url: str = ""
    _strangers: dict[str, Subject] = field(default_factory=dict)
    """The keys that strangers have, by the stranger."""

    @property
    def characters(self) -> tuple[Character, ...]:
        """Those who play."""
        return cast(self.wishes.projects, self.wishes.story.cast)

    @property
    def state(self) -> Path:
        """The ledger's directory."""
        return self.home / "state"

    @property
    def upstream_log(self) -> Path:
        """What the upstream billed, a JSON line a call."""
        return self.home / "upstream.jsonl"

    def start(self) -> None:
        """Bring up upstream and gateway. Stop where one does not come up."""
        upstream_key = "sk-sim-" + secrets.token_hex(16)
        private(self.home / "upstream.key", upstream_key)
        self.upstream = self._child(
            "upstream",
            ["quotadeck.sim", "upstream"],
            log=self.upstream_log,
            key=upstream_key,
            seed=self.wishes.seed,
            speed=self.wishes.speed,
        )
        config = self.home / "config.toml"
        self._upstream_url = base_url = self.upstream.answer()["base_url"]
        config.write_text(config_text(base_url, self.socket, self.characters), "utf-8")
        self.gateway = self._child("gateway", ["quotadeck", "gateway"], config=config)
        self._url = self.gateway.answer()["base_url"]

    def populate(self) -> None:
        """Give every project a key, and let the traffic begin. Stop where that fails."""
        keys = self.home / "keys.json"
        private(keys, json.dumps(self._add_keys(self.characters)))
        self.traffic = self._child(
            "traffic",
            ["quotadeck.sim", "traffic"],
            gateway=self._url,
            keys=keys,
            projects=self.wishes.projects,
            rate=self.wishes.rate,
            seed=self.wishes.seed,
            seconds=self.wishes.seconds,
            scene=self.wishes.scene,
            pace=self.wishes.pace,
            upstream=self._upstream_url,
        )

    @contextmanager
    def playing(self, *, populated: bool = False) -> Iterator[None]:
        """`populate` and what people do in the scene, beside what the context does.

        Ten thousand keys keep no screen waiting.
        """
        left = Event()

        def play() -> None:
            if not populated:
                self.populate()
            Hands(self.socket, self._strangers).play(self.wishes.story, left)

        with ThreadPoolExecutor(1) as beside:
            begun = beside.submit(play)
            try:
                yield
            finally:
                left.set()
            begun.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self._children):
            child.stop(drain_s=LEAVE_S)

    def _child(self, name: str, module: Sequence[str], **options: object) -> Child:
        given = [(name, value) for name, value in options.items() if value is not None]
        arguments = [part for name, value in given for part in (f"--{name}", str(value))]
        child = Child(name, [*module, *arguments], self.home / f"{name}.log")
        self._children.append(child)
        return child

    def _add_keys(self, characters: Sequence[Character]) -> dict[str, str]:
        """A key for every few dozen projects: their making shows on the screen.

        A stranger has one of a project's own, which can be revoked without harm to the project.
        """
        ids = [character.id for character in characters]
        commands: list[Command] = []
        secrets_of: dict[str, str] = {}
        for start in range(0, len(ids), MAX_PROJECTS):
            secret, group = new_secret(), tuple(ids[start : start + MAX_PROJECTS])
            commands.append(key_command(secret, group, "demo", "the demo's traffic"))
            secrets_of |= dict.fromkeys(group, secret)
        for stranger in self.wishes.story.strangers:
            if stranger.project in ids:
                secret = new_secret()
                command = key_command(secret, (stranger.project,), "ci", "the demo's traffic")
                commands.append(command)
                secrets_of[stranger.id] = secret
                self._strangers[stranger.id] = command.subject
        send(self.socket, commands)
        return secrets_of


def fresh_home(demos: Path) -> Path:
    """A new directory for a run, 0700; of the ended runs before it only the newest few stay."""
    demos.mkdir(parents=True, exist_ok=True, mode=0o700)
    ended = sorted(home for home in demos.iterdir() if home.is_dir() and not _alive(home))
    for old in ended[: max(0, len(ended) - KEPT + 1)]:
        shutil.rmtree(old, ignore_errors=True)
    home = demos / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    home.mkdir(mode=0o700)
    return home


@contextmanager
def socket_place(home: Path) -> Iterator[Path]:
    """Where the run's gateway listens, for as long as the context lasts.

    It is the demo's known place, where plain `quotadeck` looks last, for the first of several
    demos; the run's own directory for the others; a temporary one where paths are too long.
    """
    with (demo_dir() / "lock").open("a") as lock, suppress(SocketPathTooLong):
        yield fitting_socket(demo_socket() if _first(lock) else home / SOCKET_NAME)
        return
    with tempfile.TemporaryDirectory(prefix="quotadeck-") as short:
        yield Path(short) / SOCKET_NAME


def _first(lock: IO[str]) -> bool:
    """Whether no other demo runs, nor the gateway of one that was killed and still drains."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        knock(demo_socket())
    except BlockingIOError:
        return False
    except SourceGone:
        return True
    return False


def _alive(home: Path) -> bool:
    try:
        os.kill(int(home.name.rpartition("-")[2]), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first moment on."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
        file.write(text)

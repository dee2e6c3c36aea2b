"""Checks of what is ours: the config with its secrets, the socket, the store."""

import asyncio
import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from quotadeck import words
from quotadeck.cli.doctor.finding import Finding, Verdict, fail, ok, warn
from quotadeck.cli.show import now_us
from quotadeck.domain.ages import age
from quotadeck.domain.text import clean, counted
from quotadeck.sources import GatewayClient, SourceError, SourceGone
from quotadeck.store import (
    Reader,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreMissing,
    examine,
    has_remains,
    standing,
)
from quotadeck.store.lock import holder, is_held
from quotadeck.wire.config import ConfigError, GatewayConfig, load
from quotadeck.wire.paths import is_there

MODE = 0o660


def config(path: Path) -> tuple[list[Finding], GatewayConfig | None]:
    """The config, secrets included, and what was read; None where it is wrong."""
    where = clean(str(path))
    if not is_there(path):
        todo = f"write one: quotadeck init --config {where}"
        return [fail("config", f"there is none at {where}", todo)], None
    try:
        loaded = load(path)
    except ConfigError as wrong:
        return [
            fail("config", line, "correct it; nothing else of the file was used")
            for line in str(wrong).splitlines()
        ], None
    found = loaded.catalogue
    findings = [
        ok(
            "config",
            f"{where}: {counted(len(found.projects), 'project')}, "
            f"{counted(len(found.routes), 'model')}, {counted(len(found.targets), 'target')}",
        ),
        ok("secrets", f"the keys of {counted(len(found.upstreams), 'upstream')} are there"),
    ]
    findings += [warn("config", words, "look at it") for words in loaded.warnings]
    findings += _accounts(loaded)
    return findings, loaded


def _accounts(loaded: GatewayConfig) -> Iterator[Finding]:
    """The users and groups that the config names and this machine does not know."""
    if loaded.socket_group is not None and not _known("group", loaded.socket_group):
        found = f"there is no group {clean(loaded.socket_group)!r} on this machine"
        yield fail("socket_group", found, "make it, or change `socket_group` in the config")
    for role, principals in loaded.roles.items():
        for principal in principals:
            kind, _, name = principal.partition(":")
            if not _known(kind, name):
                found = f"{role} names the {kind} {name!r}, which this machine does not know"
                yield warn("roles", found, "make it, or correct [roles] in the config")


def _known(kind: str, name: str) -> bool:
    try:
        return bool(grp.getgrnam(name) if kind == "group" else pwd.getpwnam(name))
    except KeyError:
        return False


def socket(path: Path, group: str | None) -> Iterator[Finding]:
    """Rights of the admin socket, and whether a gateway answers."""
    where = clean(str(path))
    if not is_there(path):
        yield warn("socket", f"no gateway runs at {where}", "start it: quotadeck gateway")
        return
    try:
        facts = path.stat()
    except OSError as closed:
        yield fail("socket", f"{where}: {closed.strerror}", "ask to join the group of its folder")
        return
    if not stat.S_ISSOCK(facts.st_mode):
        yield fail("socket", f"{where} is not a socket", "move it away, or configure another path")
        return
    mode = stat.S_IMODE(facts.st_mode)
    if mode & 0o007:
        yield fail("socket", f"{where} is open to everybody ({mode:04o})", f"chmod {MODE:04o} it")
    if group is not None and _group(facts.st_gid) != group:
        yield warn(
            "socket",
            f"{where} belongs to the group {_group(facts.st_gid)}",
            f"the config says {clean(group)}: restart the gateway",
        )
    if not os.access(path, os.R_OK | os.W_OK):
        yield fail(
            "socket", f"you may not use {where}", f"ask to join the group {_group(facts.st_gid)}"
        )
        return
    yield _answering(path, f"{where} ({mode:04o}, group {_group(facts.st_gid)})")


def _answering(path: Path, where: str) -> Finding:
    try:
        with GatewayClient(path) as gateway:
            reading = gateway.snapshot()
    except SourceGone:
        todo = "start the gateway: it replaces the socket that was left behind"
        return warn("socket", f"{where}: nobody answers", todo)
    except SourceError as strange:
        return fail(
            "socket", clean(words.say(strange.told), 400), "restart the gateway with this version"
        )
    vitals, me = reading.snapshot.vitals, reading.whoami
    told = "; ".join(map(words.say, vitals.problems))
    trouble = f"; it says: {told}" if told else ""
    said = f"{clean(vitals.name)} answers; you are {me.actor} ({me.role}){clean(trouble, 300)}"
    return ok("socket", f"{where}: {said}")


def _group(gid: int) -> str:
    try:
        return clean(grp.getgrgid(gid).gr_name)
    except KeyError:
        return str(gid)


def store(state: Path) -> Iterator[Finding]:
    """Whether the ledger can be read, is ours, who writes it; and what a start would find lost."""
    found = _ledger(state)
    yield found
    # While a gateway writes, the journal moves under a reader, and it says itself what it found.
    if found.state is not Verdict.OK or not is_there(state / "ledger.db") or is_held(state):
        return
    try:
        lost = asyncio.run(examine(state))
    except (StoreError, OSError) as unread:
        yield fail(
            "journal", clean(_said(unread), 400), "get the right to read it, or move it away"
        )
        return
    for loss in lost:
        say = fail if loss.grave else warn
        what, _, todo = words.say(loss.told).rpartition("; ")
        yield say("store", clean(what, 500), clean(todo, 300))


def _said(error: StoreError | OSError) -> str:
    return words.say(error.told) if isinstance(error, StoreError) else str(error)


def _ledger(state: Path) -> Finding:

    async def newest() -> str:
        reader = await Reader.open(state)
        try:
            calls = await reader.calls(last=1)
        finally:
            await reader.close()
        count = f"{counted(calls[-1][0], 'call')} recorded" if calls else "no calls yet"
        return f"{count}; {_writer(state)}"

    where = clean(str(state))
    try:
        found = asyncio.run(newest())
    except StoreMissing as missing:
        if has_remains(state):
            todo = "start the gateway: it rebuilds it from the newest backup and the journal"
            return fail("store", clean(words.say(missing.told).partition(":")[0], 400), todo)
        place = next(place for place in (state, *state.parents) if os.access(place, os.F_OK))
        if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
            todo = "the gateway's account needs that right, or another `state` in the config"
            return warn("store", f"none yet at {where}, and you may not make it", todo)
        return ok("store", f"none yet at {where}; the gateway makes it at its first start")
    except StoreBusy as busy:
        return warn("store", clean(words.say(busy.told), 400), "ask again in a moment")
    except StoreDamaged as broken:
        what, _, todo = words.say(broken.told).partition("; ")
        return fail("store", clean(what, 400), todo)
    except StoreError as broken:
        return fail("store", clean(words.say(broken.told), 400), "the gateway will not start on it")
    except OSError as closed:
        return fail("store", f"{where}: {closed.strerror}", "ask for the right to read it")
    return ok("store", f"{where}: {found}; {_backup(state)}")


def _backup(state: Path) -> str:
    newest = next(iter(standing(state)), None)
    return f"backup {age((now_us() - newest.at_us) // 1_000)} old" if newest else "no backup yet"


def _writer(state: Path) -> str:
    """Who holds the writer's lock; the process is told to those who may read it."""
    if not is_held(state):
        return "no gateway writes it"
    pid = holder(state)
    return "a gateway writes it" if pid is None else f"process {pid} writes it"

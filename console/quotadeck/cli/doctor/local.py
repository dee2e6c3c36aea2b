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
from quotadeck.words import text

MODE = 0o660


def config(path: Path) -> tuple[list[Finding], GatewayConfig | None]:
    """The config, secrets included, and what was read; None where it is wrong."""
    where = clean(str(path))
    if not is_there(path):
        todo = text("doctor.no_config.todo", path=where)
        return [fail("config", text("doctor.no_config", path=where), todo)], None
    try:
        loaded = load(path)
    except ConfigError as wrong:
        return [
            fail("config", line, text("doctor.config_wrong.todo"))
            for line in str(wrong).splitlines()
        ], None
    found = loaded.catalogue
    findings = [
        ok(
            "config",
            f"{where}: {counted(len(found.projects), 'project')}, "
            f"{counted(len(found.routes), 'model')}, {counted(len(found.targets), 'target')}",
        ),
        ok("secrets", text("doctor.secrets", upstreams=len(found.upstreams))),
    ]
    findings += [warn("config", line, text("doctor.warned.todo")) for line in loaded.warnings]
    findings += _accounts(loaded)
    return findings, loaded


def _accounts(loaded: GatewayConfig) -> Iterator[Finding]:
    """The users and groups that the config names and this machine does not know."""
    if loaded.socket_group is not None and not _known("group", loaded.socket_group):
        found = text("doctor.no_group", group=clean(loaded.socket_group))
        yield fail("socket_group", found, text("doctor.no_group.todo"))
    for role, principals in loaded.roles.items():
        for principal in principals:
            kind, _, name = principal.partition(":")
            if not _known(kind, name):
                found = text("doctor.stranger", role=role, kind=kind, name=name)
                yield warn("roles", found, text("doctor.stranger.todo", table="[roles]"))


def _known(kind: str, name: str) -> bool:
    try:
        return bool(grp.getgrnam(name) if kind == "group" else pwd.getpwnam(name))
    except KeyError:
        return False


def socket(path: Path, group: str | None) -> Iterator[Finding]:
    """Rights of the admin socket, and whether a gateway answers."""
    where = clean(str(path))
    if not is_there(path):
        yield warn("socket", text("doctor.no_gateway", path=where), text("doctor.no_gateway.todo"))
        return
    try:
        facts = path.stat()
    except OSError as closed:
        yield fail("socket", f"{where}: {closed.strerror}", text("doctor.socket_closed.todo"))
        return
    if not stat.S_ISSOCK(facts.st_mode):
        yield fail("socket", text("doctor.no_socket", path=where), text("doctor.no_socket.todo"))
        return
    mode = stat.S_IMODE(facts.st_mode)
    if mode & 0o007:
        yield fail(
            "socket",
            text("doctor.open", path=where, mode=f"{mode:04o}"),
            text("doctor.open.todo", mode=f"{MODE:04o}"),
        )
    if group is not None and _group(facts.st_gid) != group:
        yield warn(
            "socket",
            text("doctor.other_group", path=where, group=_group(facts.st_gid)),
            text("doctor.other_group.todo", group=clean(group)),
        )
    if not os.access(path, os.R_OK | os.W_OK):
        yield fail(
            "socket",
            text("doctor.not_yours", path=where),
            text("doctor.not_yours.todo", group=_group(facts.st_gid)),
        )
        return
    yield _answering(path, f"{where} ({mode:04o}, group {_group(facts.st_gid)})")


def _answering(path: Path, where: str) -> Finding:
    try:
        with GatewayClient(path) as gateway:
            reading = gateway.snapshot()
    except SourceGone:
        return warn(
            "socket", text("doctor.silent_socket", where=where), text("doctor.silent_socket.todo")
        )
    except SourceError as strange:
        return fail("socket", clean(words.say(strange.told), 400), text("doctor.strange.todo"))
    vitals, me = reading.snapshot.vitals, reading.whoami
    told = "; ".join(map(words.say, vitals.problems))
    return ok(
        "socket",
        text(
            "doctor.answers",
            where=where,
            gateway=clean(vitals.name),
            actor=me.actor,
            role=me.role,
            problems=clean(told, 300),
        ),
    )


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
        yield fail("journal", clean(_said(unread), 400), text("doctor.journal.todo"))
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
        count = text("doctor.calls", calls=calls[-1][0]) if calls else text("doctor.no_calls")
        return f"{count}; {_writer(state)}"

    where = clean(str(state))
    try:
        found = asyncio.run(newest())
    except StoreMissing as missing:
        if has_remains(state):
            todo = text("doctor.rebuilt.todo")
            return fail("store", clean(words.say(missing.told).partition(":")[0], 400), todo)
        place = next(place for place in (state, *state.parents) if os.access(place, os.F_OK))
        if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
            todo = text("doctor.no_store_right.todo")
            return warn("store", text("doctor.no_store_right", path=where), todo)
        return ok("store", text("doctor.no_store", path=where))
    except StoreBusy as busy:
        return warn("store", clean(words.say(busy.told), 400), text("doctor.busy.todo"))
    except StoreDamaged as broken:
        what, _, todo = words.say(broken.told).partition("; ")
        return fail("store", clean(what, 400), todo)
    except StoreError as broken:
        return fail("store", clean(words.say(broken.told), 400), text("doctor.unusable.todo"))
    except OSError as closed:
        return fail("store", f"{where}: {closed.strerror}", text("doctor.store_closed.todo"))
    return ok("store", f"{where}: {found}; {_backup(state)}")


def _backup(state: Path) -> str:
    newest = next(iter(standing(state)), None)
    return (
        text("doctor.backup", old_age=(now_us() - newest.at_us) // 1_000)
        if newest
        else text("doctor.no_backup")
    )


def _writer(state: Path) -> str:
    """Who holds the writer's lock; the process is told to those who may read it."""
    if not is_held(state):
        return text("doctor.no_writer")
    pid = holder(state)
    return text("doctor.a_writer") if pid is None else text("doctor.writer", pid=pid)

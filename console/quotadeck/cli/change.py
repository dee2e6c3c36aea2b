"""Sending one change: how long, why, the answer in words, and the way back."""

import secrets
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.fold import folded
from quotadeck.cli.reach import talking
from quotadeck.cli.show import clock, emit, note, now_us, say
from quotadeck.cli.terminal import terminal_width
from quotadeck.domain.answers import CommandAnswer
from quotadeck.domain.commands import MAX_REASON, Action, Command, value_facts
from quotadeck.domain.estimate import Estimate
from quotadeck.domain.ids import new_id
from quotadeck.domain.notice import Notice
from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.subject import Subject
from quotadeck.domain.typed import TypedWrong, ending, instant_us
from quotadeck.domain.verbs import VERBS, End
from quotadeck.sources import GatewayClient, SourceGone
from quotadeck.sources.gateway import questions
from quotadeck.wire.objects import plain
from quotadeck.words import say as worded
from quotadeck.words import text
from quotadeck.words.commands import error, refusal
from quotadeck.words.estimates import heading
from quotadeck.words.estimates import told as foretold

DEFAULT_MS = 3_600_000
SHOWN: Final = 12
"""So many values of one change are told; all are in the JSON."""
_LOST: Final = ("source.lost", "source.silent")


@dataclass(frozen=True, slots=True)
class ChangeOptions:
    """The options that all changing commands share.

    Without ``for_ms`` or ``until_us`` the change stands until somebody undoes it.
    """

    socket: Path | None
    as_json: bool
    dry_run: bool
    reason: str
    for_ms: int | None
    by_default: bool
    """Nobody said how long."""
    until_us: int | None = None

    @classmethod
    def of(
        cls,
        *,
        socket: Path | None,
        as_json: bool,
        dry_run: bool = False,
        reason: str = "",
        lasting: str | None = None,
        until: str | None = None,
        permanent: bool = False,
        endless: bool = False,
    ) -> "ChangeOptions":
        """From the command line's words; Stop with USAGE where they contradict or mean nothing.

        ``endless`` is for commands that need no duration, such as a resume.
        """
        said = {"--permanent": permanent, "--for": lasting, "--until": until}
        ends = tuple(name for name, value in said.items() if value)
        if len(ends) > 1:
            raise Stop(Exit.USAGE, text("change.contradict", options=ends))
        if len(reason) > MAX_REASON:
            raise Stop(Exit.USAGE, text("change.reason", length=len(reason), most=MAX_REASON))
        try:
            for_ms = until_us = None
            if lasting:
                for_ms, until_us = ending(lasting, now_us())
            elif until:
                until_us = instant_us(until, now_us())
        except TypedWrong as wrong:
            raise Stop(Exit.USAGE, worded(wrong.within("typed.wrong", option=ends[0]))) from None
        by_default = not (ends or endless)
        if by_default:
            for_ms = DEFAULT_MS
        return cls(socket, as_json, dry_run, reason, for_ms, by_default, until_us)


def change(command_of: Callable[[Snapshot], Command], how: ChangeOptions) -> int:
    """Resolve the names, send the command, say what came of it; the exit code."""
    with talking(how.socket) as gateway:
        command = replace(
            command_of(gateway.ask(questions.snapshot())),
            reason=how.reason,
            for_ms=how.for_ms,
            until_us=how.until_us,
            idempotency_key=fresh_key(),
        )
        answer = sent(gateway, command, dry_run=how.dry_run)
    return tell(command, answer, how)


def sent(gateway: GatewayClient, command: Command, *, dry_run: bool = False) -> CommandAnswer:
    """The answer to a command; Stop where it was lost on its way, for then nobody knows."""
    try:
        return gateway.ask(questions.command(command, dry_run=dry_run))
    except SourceGone as gone:
        if dry_run or gone.told.kind not in _LOST:
            raise
        raise Stop(Exit.UNREACHABLE, worded(gone.within("change.lost"))) from None


def fresh_key() -> str:
    """An idempotency key that nobody used before."""
    return new_id("cli", now_us(), secrets.token_bytes(10))


def tell(command: Command, answer: CommandAnswer, how: ChangeOptions) -> int:
    """Print an answer; the exit code that it stands for."""
    if how.as_json:
        emit(plain(answer) | error(answer.refused))
    elif answer.refused:
        why = refusal(answer.refused, clock)
        refused = {"action": command.action, "subject": str(answer.subject), "why": why}
        raise Stop(Exit.REFUSED, text("change.refused", **refused))
    else:
        for line in _told(command, answer, how):
            say(folded(line, terminal_width()))
        for warning in answer.warnings:
            note(text("change.note", told=worded(warning, clock)))
        if answer.repeated:
            note(text("change.repeated"))
        if answer.command_id and not how.dry_run and VERBS[command.action].undoable:
            say(text("change.undo", line=_again(how.socket, "undo", answer.command_id)))
        if not answer.recorded:
            note(text("change.unrecorded"))
    if answer.refused:
        return Exit.REFUSED
    return Exit.OK if answer.recorded else Exit.NOT_RECORDED


def _told(command: Command, answer: CommandAnswer, how: ChangeOptions) -> Iterator[str]:
    kind = "change.done"
    if answer.until_us is not None:
        kind += ".default" if how.by_default else ".until"
    elif VERBS[command.action].end is End.USUAL:
        kind += ".permanent"
    if command.action == Action.EXTEND:
        kind = "change.extended"
    elif command.action == Action.NOTE:
        kind = "change.noted"
    elif command.action == Action.END_LEASE:
        kind = "change.lease_ended"
    parts = answer.parts or (answer,)
    for part in parts[:SHOWN]:
        values = value_facts(part.field, before=part.before, after=part.after, then=part.then)
        about = {"kind": part.subject.kind.value, "name": part.subject.name}
        ends = {"for_ms": how.for_ms, "until_us": part.until_us}
        told = worded(Notice(kind, {**about, **values, **ends}), clock)
        yield text("change.dry_run", told=told) if how.dry_run else told
    if more := len(parts[SHOWN:]):
        yield text("change.more", count=more)
    if answer.parts and VERBS[command.action].undoable:
        yield text("change.group", count=len(parts))
    if answer.estimate is not None:
        yield from _replayed(answer.estimate, answer.subject)


def _replayed(e: Estimate, subject: Subject) -> Iterator[str]:
    yield text("change.replayed", told=heading(e, clock))
    yield text(
        "change.figures",
        admitted_before=e.admitted_before,
        admitted_after=e.admitted_after,
        refused_before=e.refused_before,
        refused_after=e.refused_after,
        an_hour_before_nano=e.an_hour(e.spend_before_nano),
        an_hour_after_nano=e.an_hour(e.spend_after_nano),
    )
    for each in foretold(e, subject, clock):
        yield text("change.foretold", told=each.words)


def _again(socket: Path | None, *words: Any) -> str:
    asked = ["quotadeck", *map(str, words)]
    if socket is not None:
        asked += ["--socket", str(socket)]
    return shlex.join(asked)

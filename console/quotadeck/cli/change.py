"""Sending one change: how long, why, the answer in words, and the way back."""

import secrets
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.reach import talking
from quotadeck.cli.show import clock, emit, note, say
from quotadeck.domain.commands import LASTING, MAX_REASON, Action, Command
from quotadeck.domain.days import micros
from quotadeck.domain.ids import new_id
from quotadeck.domain.money import usd_short
from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean, counted
from quotadeck.domain.typed import TypedWrong, duration_ms, duration_words, instant_us
from quotadeck.sources.gateway import questions

if TYPE_CHECKING:
    from quotadeck.wire.messages import CommandAnswer

DEFAULT_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Change:
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
    ) -> "Change":
        """From the command line's words; Stop with USAGE where they contradict or mean nothing.

        ``endless`` is for commands that have no duration, such as a resume.
        """
        said = {"--permanent": permanent, "--for": lasting, "--until": until}
        ends = [name for name, value in said.items() if value]
        if len(ends) > 1:
            words = f"{' and '.join(ends)} contradict each other: say one of them"
            raise Stop(Exit.USAGE, words)
        if len(reason) > MAX_REASON:
            raise Stop(Exit.USAGE, f"--reason has {len(reason)} characters; {MAX_REASON} are kept")
        try:
            for_ms = duration_ms(lasting) if lasting else None
            until_us = instant_us(until, time.time_ns() // 1_000) if until else None
        except TypedWrong as wrong:
            raise Stop(Exit.USAGE, f"{ends[0]}: {wrong}") from None
        by_default = not (ends or endless)
        if by_default:
            for_ms = DEFAULT_MS
        return cls(socket, as_json, dry_run, reason, for_ms, by_default, until_us)


def change(command_of: Callable[[Snapshot], Command], how: Change) -> int:
    """Resolve the names, send the command, say what came of it; the exit code."""
    with talking(how.socket) as gateway:
        command = replace(
            command_of(gateway.ask(questions.snapshot())),
            reason=how.reason,
            for_ms=how.for_ms,
            until_us=how.until_us,
            idempotency_key=fresh_key(),
        )
        answer = gateway.ask(questions.command(command, dry_run=how.dry_run))
    return tell(command, answer, how)


def fresh_key() -> str:
    """An idempotency key that nobody used before."""
    return new_id("cli", time.time_ns() // 1_000, secrets.token_bytes(10))


def tell(command: Command, answer: "CommandAnswer", how: Change) -> int:
    """Print an answer; the exit code that it stands for."""
    code = _code(answer)
    if how.as_json:
        emit(answer.model_dump(mode="json"))
        return code
    if answer.error:
        raise Stop(Exit.REFUSED, f"{command.action} {answer.subject} refused: {answer.error}")
    say(_headline(command, answer, how))
    for line in _estimate(answer):
        say(line)
    for warning in answer.warnings:
        note(f"note: {clean(warning)}")
    if answer.repeated:
        note("note: this very command was answered before; this is that answer again")
    if answer.command_id and not how.dry_run and command.action in UNDOABLE:
        say(f"  undo: {_again(how.socket, 'undo', answer.command_id)}")
    if code is Exit.NOT_RECORDED:
        note("quotadeck: in force, but NOT recorded: the gateway cannot write its command log")
    return code


UNDOABLE = frozenset({Action.PAUSE, Action.RESUME, Action.LIMIT, Action.FALLBACK, Action.UNDO})


def _code(answer: "CommandAnswer") -> Exit:
    if answer.error:
        return Exit.REFUSED
    return Exit.OK if answer.recorded else Exit.NOT_RECORDED


def _headline(command: Command, answer: "CommandAnswer", how: Change) -> str:
    kind, name = Subject.parse(answer.subject)
    what = clean(" ".join(part for part in (kind, name, answer.field or "") if part))
    step = f"{clean(answer.before) or '–'} → {clean(answer.after) or '–'}"
    return f"{'dry run: ' if how.dry_run else ''}{what}: {step}{_ending(command, answer, how)}"


def _ending(command: Command, answer: "CommandAnswer", how: Change) -> str:
    if answer.until is None:
        stands = command.action in LASTING
        return " (permanent: until somebody undoes it)" if stands else ""
    until = clock(micros(answer.until))
    then = f", then {clean(answer.then)} again" if answer.then else ""
    default = "; the default, --for says otherwise" if how.by_default else ""
    lasting = f" for {duration_words(how.for_ms)}" if how.for_ms else ""
    return f"{lasting} (until {until}{then}{default})"


def _estimate(answer: "CommandAnswer") -> list[str]:
    told = answer.estimate
    if told is None:
        return []
    came = counted(told.requests, "request")
    return [
        f"  an estimate, from {came} of the last {told.minutes} minutes:",
        "   ".join(
            (
                f"  admitted {told.admitted_before} → {told.admitted_after}",
                f"refused {told.refused_before} → {told.refused_after}",
                f"spend {usd_short(told.spend_before_nano)} → {usd_short(told.spend_after_nano)}",
            )
        ),
    ]


def _again(socket: Path | None, *words: Any) -> str:
    asked = ["quotadeck", *map(str, words)]
    if socket is not None:
        asked += ["--socket", str(socket)]
    return shlex.join(asked)

"""Reaching the gateway: which socket, one question, and its failures in words."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import update_wrapper
from pathlib import Path
from typing import Any, TypeVar

import click

from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.show import note
from quotadeck.sources import GatewaySource, Source, SourceError, SourceGone, load_answers
from quotadeck.wire.paths import Found, demo_socket, find_socket

T = TypeVar("T")
Asked = Callable[[Source], Awaitable[T]]


def gateway_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--socket`` and ``--json`` to a command, which takes ``socket`` and ``as_json``."""

    @click.option("--socket", type=click.Path(path_type=Path), help="The gateway's admin socket.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON document instead of words.")
    @click.pass_context
    def with_socket(ctx: click.Context, /, socket: Path | None, **rest: Any) -> Any:
        return ctx.invoke(command, socket=socket or ctx.find_object(Path), **rest)

    return update_wrapper(with_socket, command)


def locate(socket: Path | None) -> Found:
    """The socket to use; says so on stderr when it is a running demo's, chosen by nobody."""
    found = find_socket(socket)
    if found.path == demo_socket():
        note(f"on the demo's gateway ({found.path})")
    return found


def ask(socket: Path | None, work: Asked[T]) -> T:
    """Run ``work`` on the gateway; Stop with UNREACHABLE or REFUSED where that fails."""
    found = locate(socket)
    return ask_at(found.path, work, why=found.why)


def ask_at(socket: Path, work: Asked[T], *, why: str = "") -> T:
    """The same on a socket that is known already."""

    async def talk() -> T:
        source = GatewaySource(socket)
        try:
            return await work(source)
        finally:
            await source.close()

    load_answers()
    try:
        return asyncio.run(talk())
    except SourceGone as gone:
        raise Stop(Exit.UNREACHABLE, f"{gone}{f' [socket from {why}]' if why else ''}") from None
    except SourceError as refused:
        raise Stop(Exit.REFUSED, str(refused)) from None

"""Reaching the gateway: which socket, its answers, and its failures in words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import update_wrapper
from pathlib import Path
from typing import Any, TypeVar

import click

from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.options import JSON
from quotadeck.cli.show import note
from quotadeck.sources import GatewayClient, SourceError, SourceGone
from quotadeck.sources.gateway import Question
from quotadeck.wire.paths import Found, demo_socket, find_socket
from quotadeck.words import say, text

T = TypeVar("T")


def gateway_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--socket`` and ``--json`` to a command, which takes ``socket`` and ``as_json``."""

    @click.option("--socket", type=click.Path(path_type=Path), help="The gateway's admin socket.")
    @JSON
    @click.pass_context
    def with_socket(ctx: click.Context, /, socket: Path | None, **rest: Any) -> Any:
        return ctx.invoke(command, socket=socket or ctx.find_object(Path), **rest)

    return update_wrapper(with_socket, command)


def locate(socket: Path | None) -> Found:
    """The socket to use; says so on stderr when it is a running demo's, chosen by nobody."""
    found = find_socket(socket)
    if found.path == demo_socket():
        note(text("reach.demo", socket=str(found.path)))
    return found


def ask(socket: Path | None, question: Question[T]) -> T:
    """The gateway's answer; Stop with UNREACHABLE or REFUSED where there is none."""
    with talking(socket) as gateway:
        return gateway.ask(question)


@contextmanager
def talking(socket: Path | None) -> Iterator[GatewayClient]:
    """A gateway to ask several things, on one connection; Stop as in `ask`."""
    found = locate(socket)
    with in_words(found.why), GatewayClient(found.path) as gateway:
        yield gateway


@contextmanager
def in_words(found: str = "") -> Iterator[None]:
    """A source's failures as the end of the command; ``found`` is where its socket was."""
    try:
        yield
    except SourceGone as gone:
        raise Stop(Exit.UNREACHABLE, say(gone.within("reach.gone", found=found))) from None
    except SourceError as refused:
        raise Stop(Exit.REFUSED, say(refused.told)) from None

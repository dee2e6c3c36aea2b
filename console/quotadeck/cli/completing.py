"""What a shell completes: names that the gateway knows now, asked while somebody types.

It waits for a fraction of a second at most and says nothing where nobody answers: a shell that
completes nothing is better than one that stands still, or prints into a half-typed line.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from quotadeck.domain.subject import SubjectKind

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from quotadeck.domain.snapshot import Snapshot
    from quotadeck.sources import GatewayClient

WAIT_S: Final = 0.5
"""For all of the gateway's answer."""
_PLAIN: Final = re.compile(r"[\w./:@+=-]+")
"""A name that no shell takes apart; others are typed by hand, with quotes."""

Names = Iterable[tuple[str, str]]
"""A name, and what a shell that has room says beside it."""


class Known(click.ParamType[str]):
    """Any text; a shell completes it with names of these kinds."""

    name = "text"

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds

    def shell_complete(
        self, ctx: click.Context, _: click.Parameter, incomplete: str
    ) -> "list[CompletionItem[str]]":
        from click.shell_completion import CompletionItem

        found = dict(asked(_socket(ctx), self.kinds))
        return [
            CompletionItem(name, help=about)
            for name, about in sorted(found.items())
            if name.startswith(incomplete) and _PLAIN.fullmatch(name)
        ]


PROJECT: Final = Known(SubjectKind.PROJECT)
MODEL: Final = Known(SubjectKind.MODEL)
TARGET: Final = Known(SubjectKind.TARGET)
KEY: Final = Known(SubjectKind.KEY)
COMMAND: Final = Known(SubjectKind.COMMAND)
LEASE: Final = Known(SubjectKind.LEASE)
SUBJECT: Final = Known("subject")


def asked(socket: Path | None, kinds: Iterable[str]) -> list[tuple[str, str]]:
    """The names of these kinds, as the gateway has them; none where it does not answer in time."""
    from quotadeck.sources import GatewayClient, SourceError
    from quotadeck.wire.paths import find_socket

    with suppress(SourceError, OSError, ValueError):
        found: list[tuple[str, str]] = []
        with GatewayClient(find_socket(socket).path, answer_s=WAIT_S) as gateway:
            for kind in kinds:
                found += _ASKED[kind](gateway)
        return found
    return []


def _socket(ctx: click.Context) -> Path | None:
    """The one that was typed, to the command or before it."""
    socket = ctx.params.get("socket") or ctx.find_root().params.get("socket")
    return Path(socket) if socket else None


@lru_cache(maxsize=1)
def _snapshot(gateway: "GatewayClient") -> "Snapshot":
    from quotadeck.sources.gateway import questions

    return gateway.ask(questions.snapshot())


def _projects(gateway: "GatewayClient") -> Names:
    return [(row.id, row.name) for row in _snapshot(gateway).projects]


def _models(gateway: "GatewayClient") -> Names:
    return [(row.id, row.serving) for row in _snapshot(gateway).routes]


def _targets(gateway: "GatewayClient") -> Names:
    return [(row.id, "") for row in _snapshot(gateway).targets]


def _keys(gateway: "GatewayClient") -> Names:
    from quotadeck.sources.gateway import questions

    page = gateway.ask(questions.keys())
    return [(row.id, f"{row.label} {' '.join(row.projects)}") for row in page.keys]


def _commands(gateway: "GatewayClient") -> Names:
    from quotadeck.sources.gateway import questions

    page = gateway.ask(questions.audit(limit=100))
    return [
        (row.id, f"{row.entry.action} {row.entry.subject} {row.entry.actor}")
        for row in page.rows
        if row.in_force
    ]


def _leases(gateway: "GatewayClient") -> Names:
    from quotadeck.sources.gateway import questions

    page = gateway.ask(questions.leases())
    return [(row.id, f"{row.project} {row.manager}") for row in page.leases]


def _subjects(gateway: "GatewayClient") -> Names:
    snapshot = _snapshot(gateway)
    for kind, rows in (
        (SubjectKind.PROJECT, snapshot.projects),
        (SubjectKind.MODEL, snapshot.routes),
        (SubjectKind.TARGET, snapshot.targets),
    ):
        yield from ((f"{kind}:{row.id}", "") for row in rows)


_ASKED: Final[Mapping[str, Callable[[Any], Names]]] = {
    SubjectKind.PROJECT: _projects,
    SubjectKind.MODEL: _models,
    SubjectKind.TARGET: _targets,
    SubjectKind.KEY: _keys,
    SubjectKind.COMMAND: _commands,
    SubjectKind.LEASE: _leases,
    "subject": _subjects,
}

"""One call in full, by the id that its client was told: ``call``."""

from contextlib import suppress
from pathlib import Path

import click

from quotadeck.cli.exits import Exit
from quotadeck.cli.reach import gateway_options, talking
from quotadeck.cli.show import emit, note, say
from quotadeck.cli.terminal import terminal_width
from quotadeck.domain.calls import Call
from quotadeck.domain.gates_then import stood
from quotadeck.domain.history import FoundCall
from quotadeck.sources import GatewayClient
from quotadeck.sources.base import SourceError
from quotadeck.sources.gateway import questions
from quotadeck.wire.objects import plain
from quotadeck.words import text
from quotadeck.words.account import Beside, account

_LEAST_CELLS = 40
_ENDLESS = 10_000
"""What is no terminal folds for itself."""


@click.command(epilog="\b\n" + text("examples.call"))
@click.argument("request_id", metavar="ID")
@click.option("--project", default="", help=text("help.call_project"))
@gateway_options
def call(*, socket: Path | None, as_json: bool, request_id: str, project: str) -> int:
    """One call in full, by its x-request-id."""
    with talking(socket) as gateway:
        page = gateway.ask(questions.call(request_id, project))
        found = questions.found(request_id, page)
        beside = _beside(gateway, found.calls[0]) if found and not as_json else Beside()
    if as_json:
        calls: tuple[Call, ...] = found.calls if found else ()
        emit({"is_own": found is not None and found.is_own, "calls": [plain(one) for one in calls]})
    elif found is not None:
        _tell(found, beside)
    if found is None:
        note(text("call.not_found", id=request_id))
        return Exit.REFUSED
    return Exit.OK


def _beside(gateway: GatewayClient, call: Call) -> Beside:
    """How the limits stood, and what its key is called: as far as that may be asked."""
    label, passed = "", {}
    if call.gates and call.counted is None:
        with suppress(SourceError):
            passed = stood(gateway.ask(questions.as_of(call.at_us)), call.project)
    if call.key_id:
        with suppress(SourceError):
            keys = gateway.ask(questions.keys()).keys
            label = next((key.label for key in keys if key.id == call.key_id), "")
    return Beside(label=label, asked=True, passed=passed)


def _tell(found: FoundCall, beside: Beside) -> None:
    """Labels in a column, a label once for its lines; what is long is folded beside it."""
    parts = account(found, beside)
    room = max(len(part.label) for part in parts) + 2
    cells = max(_LEAST_CELLS, (terminal_width() or _ENDLESS) - room)
    before = ""
    say(found.calls[0].id)
    for label, words, _ in parts:
        head = "" if label == before else label
        before = label
        for line in click.wrap_text(words, cells, preserve_paragraphs=False).splitlines():
            say(f"{head:<{room}}{line}".rstrip())
            head = ""

"""``explain``: why a project, a model, a target or a request is as it is, as the console says."""

from pathlib import Path
from typing import Any

import click

from quotadeck.cli.exits import Exit
from quotadeck.cli.names import subject_of
from quotadeck.cli.reach import gateway_options, talking
from quotadeck.cli.show import clock, emit, say
from quotadeck.domain.days import rfc3339
from quotadeck.domain.history import FoundCall
from quotadeck.domain.needed import MINUTES
from quotadeck.domain.snapshot import AnyRow, Snapshot
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.text import clean
from quotadeck.sources import GatewayClient
from quotadeck.sources.gateway import questions
from quotadeck.wire.objects import plain
from quotadeck.words import text
from quotadeck.words.explain import Reader, explain_call, explain_row

_KINDS = (SubjectKind.PROJECT, SubjectKind.MODEL, SubjectKind.TARGET)
_REQUEST = "req_"
_LONGEST = 600


@click.command(epilog="\b\nExample:\n  quotadeck explain analytics\n  quotadeck explain req_019f…")
@click.argument("what", metavar="NAME|REQUEST_ID")
@gateway_options
def explain(*, socket: Path | None, as_json: bool, what: str) -> int:
    """Why a project, model, target or request is as it is.

    Which limit, since when, and what lifts it, each with the figures that it was told from. A
    request is named by its x-request-id; of project:ID, model:NAME and target:ID the kind decides
    where a name is one of several.
    """
    with talking(socket) as gateway:
        snapshot = gateway.ask(questions.snapshot())
        reader = Reader(snapshot.now_ms, snapshot.at_us, rfc3339 if as_json else clock)
        if what.startswith(_REQUEST):
            return _request(gateway, what, reader, as_json=as_json)
        return _row(gateway, what, snapshot, reader, as_json=as_json)


def _request(gateway: GatewayClient, what: str, reader: Reader, *, as_json: bool) -> int:
    found = questions.found(what, gateway.ask(questions.call(what)))
    told = explain_call(found, reader) if found else [text("explain.unfound", id=clean(what, 80))]
    _tell(told, {"request_id": clean(what, 80), **_record(found)}, as_json=as_json)
    return Exit.OK if found else Exit.REFUSED


def _record(found: FoundCall | None) -> dict[str, Any]:
    if found is None:
        return {"calls": [], "is_own": False}
    return {"calls": [plain(call) for call in found.calls], "is_own": found.is_own}


def _row(
    gateway: GatewayClient, what: str, snapshot: Snapshot, reader: Reader, *, as_json: bool
) -> int:
    named = Subject.parse(what)
    forced = named.kind.value if named.kind in _KINDS else ""
    subject = subject_of(snapshot, named.name, _KINDS, forced)
    rows: dict[SubjectKind, tuple[AnyRow, ...]] = {
        SubjectKind.PROJECT: snapshot.projects,
        SubjectKind.MODEL: snapshot.routes,
        SubjectKind.TARGET: snapshot.targets,
    }
    row = next(row for row in rows[subject.kind] if row.id == subject.name)
    asked = None
    if subject.kind is SubjectKind.PROJECT:
        page = gateway.ask(questions.series([subject], minutes=MINUTES))
        asked = page.rows[0] if page.rows else None
    told = explain_row(row, snapshot, reader, asked)
    _tell(told, {"subject": str(subject), "state": plain(row.state)}, as_json=as_json)
    return Exit.OK


def _tell(told: list[str], facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit(facts | {"sentences": told})
        return
    for sentence in told:
        say(clean(sentence, _LONGEST))

"""What a gateway can be asked: the request as a value, and how its answer reads. No I/O.

What only some answers are made of is imported when one is asked for: a dataclass costs half a
millisecond, and a command that prints a line asks for one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from urllib.parse import quote

import orjson

from quotadeck.domain.commands import Command
from quotadeck.domain.days import rfc3339
from quotadeck.domain.notice import notice_of, within
from quotadeck.domain.snapshot import Snapshot, Whoami
from quotadeck.domain.text import clean
from quotadeck.sources.base import SourceError
from quotadeck.wire.objects import load
from quotadeck.wire.offline import request
from quotadeck.wire.stream import SNAPSHOT, Decoder, StreamNewer

if TYPE_CHECKING:
    from quotadeck.domain.answers import AuditPage, CommandAnswer
    from quotadeck.domain.detail import ProjectDetail
    from quotadeck.domain.history import FoundCall
    from quotadeck.domain.lease import LeasesPage
    from quotadeck.domain.pages import CallsPage, EventsPage, KeysPage
    from quotadeck.domain.probe import ProbeAsk, ProbePlan, ProbeReport
    from quotadeck.domain.report import AlarmsPage, Report
    from quotadeck.domain.routed import Routed
    from quotadeck.domain.series import SeriesPage
    from quotadeck.domain.subject import Subject

PREFIX: Final = "/admin/v1/"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A request: GET, or POST where it has a body; ``read`` makes the answer of a good one.

    ``refusals`` says that a refusal of it is an answer, too.
    """

    name: str
    read: Callable[[bytes], T]
    asked: Mapping[str, object] | None = None
    each: tuple[tuple[str, str], ...] = ()
    """What is asked beside it under a name that comes more than once."""
    body: bytes | None = None
    refusals: bool = False

    @property
    def target(self) -> str:
        """The path with what is asked: ``/admin/v1/calls?last=20``."""
        query = "&".join(
            f"{name}={quote(str(value), safe='')}"
            for name, value in [*self.each, *(self.asked or {}).items()]
            if value not in (None, "")
        )
        return f"{PREFIX}{self.name}{'?' if query else ''}{query}"

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.body is None else {"content-type": "application/json"}

    def sent(self) -> bytes:
        """The whole request, HTTP/1.1."""
        lines = [f"{self.method} {self.target} HTTP/1.1", "host: gateway"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body is not None:
            lines.append(f"content-length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + (self.body or b"")

    def answer(self, status: int, body: bytes, label: str) -> T:
        """What the body tells. Raises SourceError for a refusal, and for what cannot be read."""
        if not (status < 400 or (self.refusals and b'"applied"' in body)):
            raise refused(self.name, status, body, label)
        try:
            return self.read(body)
        except ValueError as wrong:
            raise nonsense(self.name, label, wrong) from None


def whoami() -> Question[Whoami]:
    """Whom the gateway takes us for."""
    return Question("whoami", lambda body: load(Whoami, body))


def snapshot() -> Question[Snapshot]:
    """One reading, now."""
    return Question("snapshot", lambda body: Decoder().apply(SNAPSHOT, body))


def as_of(at_us: int) -> Question[Snapshot]:
    """The picture of a past instant."""
    asked = {"at": rfc3339(at_us)}
    return Question("snapshot", lambda body: Decoder().apply(SNAPSHOT, body), asked)


def command(asked: Command, *, dry_run: bool) -> Question[CommandAnswer]:
    """A change, or its preview. Raises SourceError for text that is no Unicode."""
    from quotadeck.domain.answers import CommandAnswer

    try:
        body = orjson.dumps(request(asked, dry_run=dry_run))
    except TypeError as wrong:
        raise SourceError("source.no_command", what=str(wrong)) from None
    return Question("commands", lambda body: load(CommandAnswer, body), body=body, refusals=True)


def audit(*, limit: int, before_seq: int | None = None, subject: str = "") -> Question[AuditPage]:
    """The command log, newest first."""
    from quotadeck.domain.answers import AuditPage

    asked = {"limit": limit, "before_seq": before_seq, "subject": subject}
    return Question("audit", lambda body: load(AuditPage, body), asked)


def calls(
    *,
    last: int,
    project: str = "",
    model: str = "",
    target: str = "",
    outcome: str = "",
    cause: str = "",
    key: str = "",
    since_us: int | None = None,
    until_us: int | None = None,
    before: str | None = None,
    after: str | None = None,
    nearer: CallsPage | None = None,
) -> Question[CallsPage]:
    """The newest calls, oldest first, with those found ``nearer`` to now.

    To be asked again as long as there are fewer than ``last`` and there are ``more``. ``before``
    and ``after`` are cursors: the newest before the one, the first so many behind the other.
    """
    from quotadeck.domain.pages import CallsPage

    known = nearer.rows if nearer else ()
    asked = {
        "last" if after is None else "limit": last - len(known),
        "before": nearer.before_cursor if nearer else before,
        "after": after,
        "project": project,
        "model": model,
        "target": target,
        "outcome": outcome,
        "cause": cause,
        "key": key,
        "since": _instant(since_us),
        "until": _instant(until_us),
    }

    def read(body: bytes) -> CallsPage:
        page = load(CallsPage, body)
        if nearer is None:
            return page
        return replace(page, rows=page.rows + known, next_cursor=nearer.next_cursor)

    return Question("calls", read, asked)


def call(request_id: str, project: str = "") -> Question[CallsPage]:
    """The call of that id; where it was only counted, the records of which it may be one."""
    from quotadeck.domain.pages import CallsPage

    asked = {"id": request_id, "project": project}
    return Question("calls", lambda body: load(CallsPage, body), asked)


def found(request_id: str, page: CallsPage) -> FoundCall | None:
    """What `call` was answered: the call itself, or the records of which it may be one."""
    from quotadeck.domain.calls import known_as
    from quotadeck.domain.history import FoundCall

    calls = tuple(row.call for row in page.rows)
    seqs = tuple(row.seq for row in page.rows)
    return FoundCall(known_as(calls[0], request_id), calls, seqs, page.price) if calls else None


def events(
    *,
    last: int,
    since_us: int | None = None,
    until_us: int | None = None,
    subject: str = "",
    before: str | None = None,
    after: str | None = None,
    nearer: EventsPage | None = None,
) -> Question[EventsPage]:
    """The newest events, oldest first; the rest as of `calls`."""
    from quotadeck.domain.pages import EventsPage

    known = nearer.rows if nearer else ()
    asked = {
        "last" if after is None else "limit": last - len(known),
        "before": nearer.before_cursor if nearer else before,
        "after": after,
        "subject": subject,
        "since": _instant(since_us),
        "until": _instant(until_us),
    }

    def read(body: bytes) -> EventsPage:
        page = load(EventsPage, body)
        if nearer is None:
            return page
        return replace(page, rows=page.rows + known, next_cursor=nearer.next_cursor)

    return Question("events", read, asked)


def series(
    subjects: Sequence[Subject], *, minutes: int, until_us: int | None = None
) -> Question[SeriesPage]:
    """What passed of each, minute by minute, until an instant, by default now."""
    from quotadeck.domain.series import SeriesPage

    asked = {"minutes": minutes, "until": _instant(until_us)}
    each = tuple(("subject", str(subject)) for subject in subjects)
    return Question("series", lambda body: load(SeriesPage, body), asked, each)


def _instant(at_us: int | None) -> str | None:
    return None if at_us is None else rfc3339(at_us)


def alarms(since_us: int, until_us: int | None = None) -> Question[AlarmsPage]:
    """The troubles that held at any instant between the two, as they began."""
    from quotadeck.domain.report import AlarmsPage

    return Question("alarms", lambda body: load(AlarmsPage, body), _span(since_us, until_us))


def report(since_us: int, until_us: int | None = None) -> Question[Report]:
    """All of a span of time, as a post-mortem wants it."""
    from quotadeck.domain.report import Report

    return Question("report", lambda body: load(Report, body), _span(since_us, until_us))


def _span(since_us: int, until_us: int | None) -> dict[str, object]:
    return {"since": rfc3339(since_us), "until": _instant(until_us)}


def keys() -> Question[KeysPage]:
    """The project keys, without secrets."""
    from quotadeck.domain.pages import KeysPage

    return Question("keys", lambda body: load(KeysPage, body))


def leases() -> Question[LeasesPage]:
    """The leases that live, and what the managers in applications told last."""
    from quotadeck.domain.lease import LeasesPage

    return Question("leases", lambda body: load(LeasesPage, body))


def project_detail(project: str) -> Question[ProjectDetail]:
    """What passed of one project lately, taken apart."""
    from quotadeck.domain.detail import ProjectDetail

    return Question("project", lambda body: load(ProjectDetail, body), {"id": project})


def routed() -> Question[Routed]:
    """What passed of each model lately, and how its targets did."""
    from quotadeck.domain.routed import Routed

    return Question("models", lambda body: load(Routed, body))


def probe(ask: ProbeAsk, *, dry_run: bool) -> Question[ProbePlan]:
    """Have an upstream's ways learned, or hear what that would ask and cost at most."""
    from quotadeck.domain.probe import ProbePlan

    body = orjson.dumps(
        {
            "upstream": ask.upstream,
            "model": ask.model,
            "project": ask.project,
            "dry_run": dry_run,
        }
    )
    return Question("probe", lambda body: load(ProbePlan, body), body=body)


def probed(identity: str) -> Question[ProbeReport]:
    """What a probe has learned so far."""
    from quotadeck.domain.probe import ProbeReport

    return Question("probed", lambda body: load(ProbeReport, body), {"id": identity})


def refused(name: str, status: int, body: bytes, label: str) -> SourceError:
    """A refusal, with the gateway's own notice of why, or its words, where it has any."""
    try:
        answer: Any = orjson.loads(body)
        text = clean(str(answer["error"]), 400)
        sent = answer.get("notice", {"kind": "", "facts": {}})
        why = notice_of(sent["kind"], sent["facts"])
    except (ValueError, KeyError, TypeError):
        return SourceError("source.refused.status", socket=label, asked=name, status=status)
    told = within(why, "source.refused", socket=label, text=text)
    return SourceError(told.kind, **told.facts)


def nonsense(name: str, label: str, why: Exception) -> SourceError:
    """An answer that cannot be read."""
    if isinstance(why, StreamNewer):
        return SourceError("source.newer", socket=label, what=str(why))
    what = clean(str(why), 200)
    return SourceError("source.not_understood", socket=label, asked=name, what=what)

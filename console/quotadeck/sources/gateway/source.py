"""A gateway followed by the console: readings as they come, questions beside them.

httpx is imported when it is first needed: 100 ms that a console would otherwise spend before its
first paint.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from quotadeck.clock import monotonic_ns
from quotadeck.domain.capability import EVERYTHING, Capabilities, FigureKind
from quotadeck.domain.snapshot import Snapshot, Whoami
from quotadeck.domain.text import clean
from quotadeck.sources.base import Reading, SourceError, SourceGone
from quotadeck.sources.gateway import questions
from quotadeck.sources.gateway.absent import CONNECT_S, why_absent
from quotadeck.sources.gateway.ahead import Ahead
from quotadeck.sources.gateway.client import ANSWER_S
from quotadeck.sources.gateway.questions import PREFIX, Question, nonsense, refused
from quotadeck.sources.sse import MAX_EVENT_BYTES, Events, EventTooLarge
from quotadeck.wire.stream import HEARTBEAT, Decoder, StreamDamaged

if TYPE_CHECKING:
    import httpx

    from quotadeck.domain.answers import AuditPage, CommandAnswer
    from quotadeck.domain.commands import Command
    from quotadeck.domain.detail import ProjectDetail
    from quotadeck.domain.history import FoundCall
    from quotadeck.domain.lease import LeasesPage
    from quotadeck.domain.pages import CallsPage, EventsPage, KeysPage
    from quotadeck.domain.report import AlarmsPage, Report
    from quotadeck.domain.routed import Routed
    from quotadeck.domain.series import SeriesPage
    from quotadeck.domain.subject import Subject

CAN: Final = Capabilities(EVERYTHING, EVERYTHING, FigureKind.ENFORCED)
SILENCE_S: Final = 10.0
"""The gateway sends a heartbeat every second: ten missing ones are a lost connection."""

T = TypeVar("T")


class GatewaySource:
    """Implements `Source`. Not shared between event loops; close it when done."""

    def __init__(
        self,
        path: Path,
        *,
        silence_s: float = SILENCE_S,
        monotonic_ns: Callable[[], int] = monotonic_ns,
    ) -> None:
        self._path = path
        self._silence_s = silence_s
        self._monotonic_ns = monotonic_ns
        self._http: httpx.AsyncClient | None = None
        self._ahead: Ahead | None = None
        self._whoami: Whoami | None = None
        """Whom it took us for last."""
        self._met = False
        """It has answered us before: it was there, and is gone."""

    @property
    def label(self) -> str:
        """The socket's path."""
        return clean(str(self._path))

    @property
    def capabilities(self) -> Capabilities:
        """Everything."""
        return CAN

    def ask_ahead(self) -> None:
        """Ask for what the stream will yield first. Raises SourceGone where nobody is there."""
        self._ahead = Ahead(self._path)

    def load(self) -> None:
        """httpx, and what it would load with its first request."""
        for module in ("httpx", "httpcore", "anyio", "anyio._backends._asyncio"):
            import_module(module)

    async def stream(self) -> AsyncGenerator[Reading, None]:
        """Readings until the connection ends, is silent for `SILENCE_S`, or sends nonsense."""
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            with suppress(SourceError):  # what is wrong the stream itself will say
                yield await asyncio.to_thread(ahead.reading)
        whoami = self._whoami = await self._ask(questions.whoami())
        decoder = Decoder()
        async with aclosing(self._events()) as events:
            async for name, data, received_ns in events:
                snapshot = self._decoded(decoder, name, data)
                yield Reading(snapshot, whoami, received_ns, fresh=name != HEARTBEAT)

    async def snapshot(self) -> Reading:
        """One reading, now."""
        whoami = await self._ask(questions.whoami())
        snapshot = await self._ask(questions.snapshot())
        return Reading(snapshot, whoami, self._monotonic_ns(), fresh=True)

    async def as_of(self, at_us: int) -> Reading:
        """The picture of a past instant."""
        whoami = self._whoami
        if whoami is None:
            whoami = self._whoami = await self._ask(questions.whoami())
        snapshot = await self._ask(questions.as_of(at_us))
        return Reading(snapshot, whoami, self._monotonic_ns(), fresh=True)

    async def command(self, command: Command, *, dry_run: bool) -> CommandAnswer:
        """Ask for a change, or for its preview. A refusal is an answer, not an exception."""
        return await self._ask(questions.command(command, dry_run=dry_run))

    async def audit(
        self, *, limit: int, before_seq: int | None = None, subject: str = ""
    ) -> AuditPage:
        """The command log, newest first."""
        return await self._ask(questions.audit(limit=limit, before_seq=before_seq, subject=subject))

    async def calls(
        self,
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
    ) -> CallsPage:
        """The newest calls, or the newest before a cursor; or the first behind one."""
        asked = questions.calls(
            last=last,
            project=project,
            model=model,
            target=target,
            outcome=outcome,
            cause=cause,
            key=key,
            since_us=since_us,
            until_us=until_us,
            before=before,
            after=after,
        )
        return await self._ask(asked)

    async def call(self, request_id: str, project: str = "") -> FoundCall | None:
        """What is on record under a request's id."""
        return questions.found(request_id, await self._ask(questions.call(request_id, project)))

    async def events(
        self,
        *,
        last: int,
        since_us: int | None = None,
        until_us: int | None = None,
        subject: str = "",
        before: str | None = None,
        after: str | None = None,
    ) -> EventsPage:
        """The newest events, or the newest before a cursor; or the first behind one."""
        asked = questions.events(
            last=last,
            since_us=since_us,
            until_us=until_us,
            subject=subject,
            before=before,
            after=after,
        )
        return await self._ask(asked)

    async def series(
        self, subjects: Sequence[Subject], *, minutes: int, until_us: int | None = None
    ) -> SeriesPage:
        """What passed of each subject, minute by minute."""
        return await self._ask(questions.series(subjects, minutes=minutes, until_us=until_us))

    async def alarms(self, since_us: int, until_us: int | None = None) -> AlarmsPage:
        """The troubles that held at any instant between the two, as they began."""
        return await self._ask(questions.alarms(since_us, until_us))

    async def report(self, since_us: int, until_us: int | None = None) -> Report:
        """All of a span of time, as a post-mortem wants it; it ends now where no end is given."""
        return await self._ask(questions.report(since_us, until_us))

    async def keys(self) -> KeysPage:
        """The project keys, without secrets."""
        return await self._ask(questions.keys())

    async def leases(self) -> LeasesPage:
        """The leases that live now, and what the managers in applications told last."""
        return await self._ask(questions.leases())

    async def project_detail(self, project: str) -> ProjectDetail:
        """What passed of one project in the last quarter of an hour, taken apart."""
        return await self._ask(questions.project_detail(project))

    async def routed(self) -> Routed:
        """What passed of each model in the last quarter of an hour, and how its targets did."""
        return await self._ask(questions.routed())

    async def close(self) -> None:
        """Let go of the connection; the source can be used again and reconnects."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.aclose()

    async def _ask(self, question: Question[T]) -> T:
        with self._failures(question.name):
            response = await self._client().request(
                question.method,
                question.target,
                content=question.body,
                headers=question.headers,
            )
        self._met = True
        return question.answer(response.status_code, response.content, self.label)

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            import ssl

            import httpx

            # No TLS on a Unix socket; the default would load the whole CA bundle.
            bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._http = httpx.AsyncClient(
                base_url="http://gateway",
                transport=httpx.AsyncHTTPTransport(uds=str(self._path), verify=bare),
                timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
                trust_env=False,
            )
        return self._http

    async def _events(self) -> AsyncGenerator[tuple[str, bytes, int], None]:
        loop, parser = asyncio.get_running_loop(), Events()
        with self._failures("stream", self._silence_s):
            async with self._client().stream("GET", f"{PREFIX}stream") as response:
                if not response.is_success:
                    body = await response.aread()
                    raise refused("stream", response.status_code, body, self.label)
                deadline = loop.time() + self._silence_s
                chunks = response.aiter_raw()
                while True:
                    async with asyncio.timeout_at(deadline):
                        chunk = await anext(chunks, b"")
                    received_ns = self._monotonic_ns()
                    if not chunk:
                        raise SourceGone("source.ended", socket=self.label)
                    events = parser.feed(chunk)
                    for name, data in events:
                        yield name, data, received_ns
                    if events:
                        deadline = loop.time() + self._silence_s

    def _decoded(self, decoder: Decoder, name: str, data: bytes) -> Snapshot:
        try:
            return decoder.apply(name, data)
        except StreamDamaged as damaged:
            raise nonsense(name, self.label, damaged) from None

    @contextmanager
    def _failures(self, path: str, silence_s: float = ANSWER_S) -> Iterator[None]:
        import httpx

        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as gone:
            raise why_absent(self._path, str(gone), met=self._met) from None
        except (httpx.TimeoutException, TimeoutError):
            raise SourceGone(
                "source.silent", socket=self.label, silent_s=f"{silence_s:g}", asked=path
            ) from None
        except httpx.HTTPError as lost:
            why = clean(str(lost) or type(lost).__name__, 120)
            raise SourceGone("source.lost", socket=self.label, asked=path, what=why) from None
        except EventTooLarge:
            most_mb = MAX_EVENT_BYTES >> 20
            raise SourceError("source.too_large", socket=self.label, most_mb=most_mb) from None

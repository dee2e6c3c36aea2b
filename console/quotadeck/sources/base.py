"""What the console can be connected to: one protocol, spoken in domain values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from quotadeck.domain.notice import NoticeError
from quotadeck.domain.snapshot import Snapshot, Whoami

if TYPE_CHECKING:
    from quotadeck.domain.answers import AuditPage, CommandAnswer
    from quotadeck.domain.capability import Capabilities
    from quotadeck.domain.commands import Command
    from quotadeck.domain.detail import ProjectDetail
    from quotadeck.domain.history import FoundCall
    from quotadeck.domain.lease import LeasesPage
    from quotadeck.domain.pages import CallsPage, EventsPage, KeysPage
    from quotadeck.domain.report import AlarmsPage, Report
    from quotadeck.domain.routed import Routed
    from quotadeck.domain.series import SeriesPage
    from quotadeck.domain.subject import Subject


class SourceError(NoticeError):
    """The source cannot be reached or refused."""


class SourceGone(SourceError):
    """Nobody answers there (no socket, connection refused, connection lost)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the stream yields: the newest snapshot, or the same one again for a heartbeat.

    ``fresh`` is False for a heartbeat that carried no change. ``received_ns`` is the reader's own
    monotonic instant, to which it anchors the snapshot's ``now_ms``.
    """

    snapshot: Snapshot
    whoami: Whoami
    received_ns: int
    fresh: bool


class Source(Protocol):
    """A system that can be read and, where the source allows it, commanded."""

    @property
    def label(self) -> str:
        """Where it is, for people: the socket's path or the address."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What of the following it can do, and what its figures are."""
        ...

    def ask_ahead(self) -> None:
        """Ask for the first reading now, so that it comes while the screen is being loaded.

        Raises SourceGone, with why, where nobody is there.
        """
        ...

    def load(self) -> None:
        """Load the code that following it takes; blocks for a while, so at a calm moment."""
        ...

    def stream(self) -> AsyncIterator[Reading]:
        """Readings, about one a second, until the connection ends: then SourceGone is raised."""
        ...

    async def snapshot(self) -> Reading:
        """One reading, now."""
        ...

    async def as_of(self, at_us: int) -> Reading:
        """The picture of a past instant, as far as it is on record: see `Snapshot.past`."""
        ...

    async def command(self, command: Command, *, dry_run: bool) -> CommandAnswer:
        """Ask for a change, or for its preview. A refusal is an answer, not an exception."""
        ...

    async def audit(
        self, *, limit: int, before_seq: int | None = None, subject: str = ""
    ) -> AuditPage:
        """The command log, newest first."""
        ...

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
        """The newest calls, or the newest before a cursor; or the first behind one. Oldest first.

        One look: where there are ``more``, a rare one may be further on. ``key`` is a key's id or
        its end.
        """
        ...

    async def call(self, request_id: str, project: str = "") -> FoundCall | None:
        """What is on record under a request's id; None where nothing is, or not yet."""
        ...

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
        """The newest events, or the newest before a cursor; or the first behind one. Oldest first.

        One look, as of `calls`. ``subject`` is its text: ``project:analytics``.
        """
        ...

    async def series(
        self, subjects: Sequence[Subject], *, minutes: int, until_us: int | None = None
    ) -> SeriesPage:
        """What passed of each subject in the last so many whole minutes before an instant.

        That is now where none is given. Of projects, models and the gateway (``gateway:``); hours
        where it begins over 48 h ago.
        """
        ...

    async def alarms(self, since_us: int, until_us: int | None = None) -> AlarmsPage:
        """The troubles that held at any instant between the two, as they began."""
        ...

    async def report(self, since_us: int, until_us: int | None = None) -> Report:
        """All of a span of time, as a post-mortem wants it; it ends now where no end is given."""
        ...

    async def keys(self) -> KeysPage:
        """The project keys, without secrets."""
        ...

    async def leases(self) -> LeasesPage:
        """The leases that live now, and what the managers in applications told last."""
        ...

    async def project_detail(self, project: str) -> ProjectDetail:
        """What passed of one project in the last quarter of an hour, taken apart."""
        ...

    async def routed(self) -> Routed:
        """What passed of each model in the last quarter of an hour, and how its targets did."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...

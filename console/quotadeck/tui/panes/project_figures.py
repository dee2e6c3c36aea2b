"""What is read of one project beside the stream: again every few seconds while it is looked at."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from quotadeck.domain.capability import Read
from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.subject import Subject
from quotadeck.sources.base import SourceError
from quotadeck.tui.columns.parts import At
from quotadeck.tui.kit.context import Context
from quotadeck.tui.link import Picture
from quotadeck.tui.panes.project import ProjectPane
from quotadeck.tui.panes.project_levels import HOUR_MINUTES
from quotadeck.words import say, text

if TYPE_CHECKING:
    from quotadeck.domain.answers import AuditRow
    from quotadeck.domain.detail import ProjectDetail
    from quotadeck.domain.lease import LeasesPage
    from quotadeck.domain.pages import CallRow
    from quotadeck.domain.series import SeriesPage

EVERY_NS: Final = 5_000_000_000
_ENTRIES: Final = 3
_MINUTE_US: Final = 60_000_000


class ProjectFigures:
    """Whoever shows a project asks `due` at every pulse, and then runs `read`.

    ``most_calls`` of its newest calls are read, too: none unless they are asked for.
    """

    def __init__(self, context: Context, project: str, most_calls: int = 0) -> None:
        self.project = project
        self.calls: tuple[CallRow, ...] = ()
        """The newest first."""
        self.leases: LeasesPage | None = None
        self._most_calls = most_calls
        self._context = context
        self._detail: ProjectDetail | None = None
        self._series: SeriesPage | None = None
        self._entries: tuple[AuditRow, ...] = ()
        self._labels: Mapping[str, str] | None = None
        self._problem = ""
        self._reading = False
        self._asked_ns: int | None = None
        self._of_us: int | None = None
        """The past instant that is read of; None of the present."""

    def due(self) -> bool:
        """Whether it is time to read, and nobody does."""
        now_ns = self._context.link.monotonic_ns()
        if not self._reading and self._of_us != self._past_us():
            self._of_us, self._asked_ns = self._past_us(), None
            self._detail, self._series, self._entries, self.calls = None, None, (), ()
            self.leases = None
        return not self._reading and (self._asked_ns is None or now_ns - self._asked_ns >= EVERY_NS)

    @property
    def read_once(self) -> bool:
        """Whether there was an answer, good or bad."""
        return self._asked_ns is not None and not self._reading

    def again(self) -> None:
        """Something was changed: read at the next pulse."""
        self._asked_ns = None

    async def read(self) -> None:
        """Ask the source; what cannot be had is told, and what was had before stays."""
        self._reading, self._asked_ns = True, self._context.link.monotonic_ns()
        try:
            await self._read()
        except SourceError as problem:
            self._problem = say(problem.told)
        else:
            self._problem = text("project.of_now") if self._of_us is not None else ""
        finally:
            self._reading = False

    async def _read(self) -> None:
        source, subject = self._context.source, Subject.project(self.project)
        can, past_us = source.capabilities.can, self._of_us
        if past_us is not None:
            if can(Read.SERIES) and self._series is None:
                series = await source.series([subject], minutes=HOUR_MINUTES, until_us=past_us)
                self._series = series if self._of_us == past_us else None
            return
        if can(Read.PROJECT):
            self._detail = await source.project_detail(self.project)
        if can(Read.SERIES) and self._is_new_minute():
            self._series = await source.series([subject], minutes=HOUR_MINUTES)
        if can(Read.AUDIT):
            page = await source.audit(limit=_ENTRIES, subject=str(subject))
            self._entries = page.rows
        if can(Read.LEASES):
            self.leases = await source.leases()
        if self._labels is None:
            self._labels = await self._read_labels()
        if self._most_calls and can(Read.CALLS):
            newest = await source.calls(last=self._most_calls, project=self.project)
            self.calls = tuple(reversed(newest.rows)) if self._of_us is None else ()

    def _past_us(self) -> int | None:
        return self._context.link.past_us

    def _is_new_minute(self) -> bool:
        picture, series = self._context.link.picture(), self._series
        if series is None or picture is None:
            return True
        end_us = series.start_us + series.minutes * _MINUTE_US
        return picture.present.now_us - end_us >= _MINUTE_US

    async def _read_labels(self) -> Mapping[str, str]:
        """Of keys; none where this operator may not see them."""
        try:
            page = await self._context.source.keys()
        except SourceError:
            return {}
        return {key.id: key.label for key in page.keys}

    def pane(self, picture: Picture, width: int, chosen: int | None = None) -> ProjectPane | None:
        """The project as it is in the picture; None where it is no longer in it."""
        snapshot = picture.snapshot
        row = next((one for one in snapshot.projects if one.id == self.project), None)
        if row is None:
            return None
        return ProjectPane(
            row=row,
            snapshot=snapshot,
            at=_at(picture, snapshot, self._context),
            width=width,
            detail=self._detail,
            series=self._series,
            entries=self._entries,
            events=snapshot.events,
            labels=self._labels or {},
            leases=self.leases,
            problem=self._problem,
            chosen=chosen,
        )

    def example(self, chosen: int | None) -> str:
        """The id of a request that the cause under the cursor is about; empty for none."""
        causes = self._detail.causes if self._detail else ()
        return causes[chosen].example if chosen is not None and chosen < len(causes) else ""

    @property
    def causes(self) -> int:
        """How many there are."""
        return len(self._detail.causes) if self._detail else 0


def _at(picture: Picture, snapshot: Snapshot, context: Context) -> At:
    return At(picture.present, {route.id: route for route in snapshot.routes}, context.zone)

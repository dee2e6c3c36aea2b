"""One change of several subjects, with one undo: those that are marked, or all but some. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final

from quotadeck.domain.commands import MAX_SUBJECTS, Command, Field
from quotadeck.domain.snapshot import AnyRow, ProjectRow, RouteRow, Snapshot
from quotadeck.domain.state import StateKind, Urgency
from quotadeck.domain.subject import Subject
from quotadeck.domain.verbs import Takes, Verb
from quotadeck.tui.change.fields import form_for
from quotadeck.tui.change.form import Form
from quotadeck.tui.change.offers import Offer, subject_of, value_now
from quotadeck.tui.change.propose import Proposal
from quotadeck.tui.keys.act import NothingToDo
from quotadeck.tui.kit.fit import cut
from quotadeck.words import text
from quotadeck.words.numbers import three

_NAMES_CELLS: Final = 52
_FEW: Final = 20

SETS: Final = ("marked", "all", "trouble", *sorted({kind.value for kind in StateKind} - {"other"}))
"""What ``@NAME`` may stand for, after the marked and the states."""


@dataclass(frozen=True, slots=True)
class Several(Proposal):
    """The proposal to do one thing to all of ``rows``; a ``grave`` one is always confirmed."""

    rows: tuple[AnyRow, ...]
    grave: bool = False

    def title(self, form: Form) -> str:  # noqa: ARG002
        kind = subject_of(self.rows[0]).kind.value
        return text(f"dialog.several.{kind}", action=self.verb.name, count=len(self.rows))

    def command(self, form: Form, snapshot: Snapshot) -> Command:
        one = Proposal.command(self, form, snapshot)
        subjects = tuple(subject_of(row) for row in self.rows)
        versions = tuple(row.version for row in self.rows) if self.verb.versioned else ()
        return replace(one, subjects=subjects, expected_version=None, expected_versions=versions)

    def confirm(self, form: Form, snapshot: Snapshot) -> str:
        """One word for all, where the name of one would have to be typed."""
        if self.grave or any(self._asks(row, form, snapshot) for row in self.rows):
            return text("dialog.several.confirm")
        return ""

    def _asks(self, row: AnyRow, form: Form, snapshot: Snapshot) -> bool:
        if isinstance(row, ProjectRow):
            if not _is_high(row):
                return False
            alone = replace(snapshot, projects=(row,))
        elif isinstance(row, RouteRow):
            alone = replace(snapshot, routes=(row,))
        else:
            alone = replace(snapshot, targets=(row,))
        offers = (Offer(subject_of(row), row.id),)
        return bool(Proposal.confirm(replace(self, offers=offers), form, alone))

    def now(self, form: Form, snapshot: Snapshot) -> str:  # noqa: ARG002
        return ""

    def about(self, form: Form, now_us: int) -> tuple[tuple[str, str], ...]:  # noqa: ARG002
        """Who they are, what they ask for and have refused now, and who of them matters most."""
        high = [row.id for row in self.rows if isinstance(row, ProjectRow) and _is_high(row)]
        who = (text("dialog.several.who"), cut(", ".join(_first(self.rows)), _NAMES_CELLS))
        flows = [row.flow for row in self.rows if not isinstance(row, RouteRow)]
        if not flows:
            return (who,)
        figures = text(
            "dialog.several.figures",
            asked=three(sum(flow.requests_60s + flow.refused_60s for flow in flows)),
            refused=three(sum(flow.refused_60s for flow in flows)),
            flights=three(sum(flow.in_flight for flow in flows)),
        )
        return (
            who,
            (text("dialog.several.now"), figures),
            (
                text("dialog.several.high"),
                cut(", ".join(high[:_FEW]), _NAMES_CELLS) or text("dialog.several.no_high"),
            ),
        )


def _first(rows: Sequence[AnyRow]) -> list[str]:
    return [row.id for row in rows[:_FEW]]


def propose_several(
    verb: Verb,
    rows: Sequence[AnyRow],
    snapshot: Snapshot,
    zone: tzinfo | None,
    *,
    grave: bool = False,
) -> Proposal:
    """The proposal of one command about all those rows that it can be about.

    What only takes something out of force is about what has it. Raises NothingToDo.
    """
    if verb.takes is Takes.TARGET:
        raise NothingToDo("nothing.several", action=verb.name)
    fitting = [row for row in rows if subject_of(row).kind in verb.about]
    if not fitting:
        raise NothingToDo("nothing.of_this_kind", action=verb.name, name=rows[0].id)
    if verb.lifts and verb.field is not None:
        fitting = [row for row in fitting if _has(row, verb.field, snapshot)]
        if not fitting:
            raise NothingToDo("nothing.idle.several", action=verb.name)
    if len(fitting) > MAX_SUBJECTS:
        raise NothingToDo("nothing.too_many", count=len(fitting), most=MAX_SUBJECTS)
    first = subject_of(fitting[0])
    offers = (Offer(first, first.name),)
    return Several(verb, offers, form_for(verb, offers, first), zone, tuple(fitting), grave)


def _has(row: AnyRow, field: str, snapshot: Snapshot) -> bool:
    """Whether there is something to take out of force."""
    if field == Field.PAUSED and isinstance(row, ProjectRow):
        return row.paused
    return value_now(subject_of(row), field, snapshot) is not None


def all_but_high(snapshot: Snapshot) -> tuple[ProjectRow, ...]:
    """Every project that may be stopped when all is to be saved; raises NothingToDo for none."""
    found = tuple(row for row in snapshot.projects if not _is_high(row) and not row.paused)
    if not found:
        raise NothingToDo("nothing.none_but_high")
    return found


def rows_of_set(name: str, snapshot: Snapshot, marked: Sequence[Subject]) -> tuple[AnyRow, ...]:
    """The rows that ``@NAME`` stands for: marked ones, all projects, those in such a state."""
    if name == "marked":
        return rows_of(marked, snapshot)
    if name == "all":
        return snapshot.projects
    if name == "trouble":
        return tuple(row for row in snapshot.projects if row.state.urgency is Urgency.TROUBLE)
    return tuple(row for row in snapshot.projects if row.state.held(StateKind(name)))


def rows_of(subjects: Sequence[Subject], snapshot: Snapshot) -> tuple[AnyRow, ...]:
    """The rows as they are now; who is gone has none."""
    sought = set(subjects)
    rows: list[AnyRow] = [*snapshot.projects, *snapshot.targets, *snapshot.routes]
    found = {subject_of(row): row for row in rows if subject_of(row) in sought}
    return tuple(found[subject] for subject in subjects if subject in found)


def _is_high(row: ProjectRow) -> bool:
    return row.priority == "high"

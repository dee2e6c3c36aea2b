"""From a project's page to the end of a lease that one of its applications holds. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from quotadeck.domain.commands import Action
from quotadeck.domain.lease import LeaseRow, LeasesPage
from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.subject import Subject
from quotadeck.domain.verbs import VERBS
from quotadeck.tui.change.fields import form_for
from quotadeck.tui.change.form import Form
from quotadeck.tui.change.offers import Offer, row_of
from quotadeck.tui.change.propose import Proposal
from quotadeck.tui.keys.act import NothingToDo
from quotadeck.tui.panes.project_leases import lease_name, of_project
from quotadeck.words import text


@dataclass(frozen=True, slots=True)
class Ending(Proposal):
    """The proposal to end one of a project's leases, which stand in the order of the offers."""

    project: str
    leases: tuple[LeaseRow, ...]

    def lease(self, form: Form) -> LeaseRow:
        """The lease that would end."""
        return self.leases[self.offers.index(self.offer(form))]

    def title(self, form: Form) -> str:  # noqa: ARG002
        return text("dialog.title.lease", name=self.project)

    def confirm(self, form: Form, snapshot: Snapshot) -> str:  # noqa: ARG002
        """The project's name where it has high priority: its calls are refused for want of it."""
        row = row_of(Subject.project(self.project), snapshot)
        return self.project if row is not None and getattr(row, "priority", "") == "high" else ""

    def about(self, form: Form, now_us: int) -> tuple[tuple[str, str], ...]:  # noqa: ARG002
        """What it holds, whose it is, and what becomes of both."""
        lease = self.lease(form)
        whose = {"manager": lease.manager or lease.id, "key": lease.key_id}
        return (
            (text("lease.holds"), held_words(lease)),
            (text("lease.held_by"), text("lease.held_by.whom", **whose)),
            (text("lease.then"), text("lease.then.what")),
        )


def ending(project: str, page: LeasesPage | None, zone: tzinfo | None) -> Ending:
    """The proposal to end a lease of a project, as they were last read. Raises NothingToDo."""
    if page is None:
        raise NothingToDo("nothing.no_lease.unread", name=project)
    leases = tuple(lease for lease, _ in of_project(page, project) if lease is not None)
    if not leases:
        raise NothingToDo("nothing.no_lease", name=project)
    verb, offers = VERBS[Action.END_LEASE], _offers(leases)
    form = form_for(verb, offers, Subject.project(project))
    return Ending(verb, offers, form, zone, project, leases)


def _offers(leases: Sequence[LeaseRow]) -> tuple[Offer, ...]:
    return tuple(Offer(Subject.lease(one.id), lease_name(one)) for one in leases)


def held_words(lease: LeaseRow) -> str:
    """``12 requests, 40,000 tokens, $0.12``: what no call has drawn yet, of what it is limited."""
    kind = "lease.held"
    if lease.requests is None:
        kind = "lease.held.tokens" if lease.tokens is not None else "lease.held.money"
    if kind == "lease.held.money" and lease.nano_usd is None:
        return text("lease.held.none")
    return text(kind, requests=lease.requests, tokens=lease.tokens, nano=lease.nano_usd)

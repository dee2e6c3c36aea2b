"""From checked tables to the domain's catalogue. Nothing here can fail."""

from collections.abc import Mapping
from datetime import UTC, datetime

from quotadeck.domain.catalogue import Allow, Catalogue, Project, Route, Target, Upstream
from quotadeck.domain.commands import Field
from quotadeck.domain.limits import Priority
from quotadeck.domain.price import Rates
from quotadeck.domain.rules import LimitKind, rules_of
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.text import clean
from quotadeck.wire.config.allow_table import AllowTable
from quotadeck.wire.config.defaults import KNOWN_MODELS, UNKNOWN_MODEL
from quotadeck.wire.config.listed import listed
from quotadeck.wire.config.models import ProjectTable
from quotadeck.wire.config.prices import has_own, price, provided
from quotadeck.wire.config.tables import Tables
from quotadeck.wire.config.target_table import TargetTable


def catalogue(tables: Tables, upstreams: Mapping[str, Upstream]) -> Catalogue:
    """The field as the file says, and the price list of today; ``upstreams`` with their secrets."""
    return Catalogue(
        projects={slug: _project(slug, table) for slug, table in tables.projects.items()},
        upstreams=upstreams,
        targets={
            name: _target(name, table, tables, upstreams) for name, table in tables.targets.items()
        },
        routes={
            model: Route(model, tuple(table.targets)) for model, table in tables.routes.items()
        },
    )


def _project(slug: str, table: ProjectTable) -> Project:
    return Project(
        id=slug,
        name=clean(table.name or slug),
        priority=Priority[table.priority.upper()],
        zone=table.zone,
        limits=_limits(SubjectKind.PROJECT, table),
        models=tuple(table.models or ()),
        shadow=frozenset(LimitKind(word) for word in table.shadow),
        allow=_allow(table.allow) if table.allow else Allow(),
        on_leave=table.on_client_leave,
        cost_comment=table.cost_comment,
    )


def _allow(table: AllowTable) -> Allow:
    return Allow(
        unbounded=frozenset(table.unbounded),
        reserve_nano=table.reserve_usd or 0,
        fields={name: frozenset(values) for name, values in table.fields.items()},
        ids=frozenset(table.ids),
    )


def _target(
    name: str, table: TargetTable, tables: Tables, upstreams: Mapping[str, Upstream]
) -> Target:
    upstream, _, model = name.partition("/")
    known = KNOWN_MODELS.get(model, UNKNOWN_MODEL)
    return Target(
        id=name,
        upstream=upstream,
        model=model,
        price=price(
            table,
            known,
            tables.upstreams[upstream].tiers,
            None if has_own(table) else _listed(upstreams[upstream].provider, model),
        ),
        limits=_limits(SubjectKind.TARGET, known) | _limits(SubjectKind.TARGET, table),
        max_input_tokens=(
            known.max_input_tokens if table.max_input_tokens is None else table.max_input_tokens
        ),
        max_output_tokens=table.max_output_tokens,
        booked_by=table.price or "",
    )


def _listed(provider: str, model: str) -> Mapping[str, list[Rates]] | None:
    if not provider:
        return None
    rows = listed(provider, model, datetime.now(UTC))
    return None if rows is None else provided(provider, rows)


def _limits(kind: SubjectKind, table: object) -> dict[Field, int]:
    """The limits that a table sets: each under the name of its field."""
    said = {rule.field: getattr(table, rule.field, None) for rule in rules_of(kind)}
    return {field: value for field, value in said.items() if value is not None}

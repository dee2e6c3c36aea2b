"""From parsed TOML to tables, each checked for itself, so that one mistake hides no other."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from quotadeck.domain.text import clean
from quotadeck.wire.config.lines import Key
from quotadeck.wire.config.models import (
    NAMED_TABLES,
    TABLES,
    GatewayTable,
    LogTable,
    ProjectTable,
    RolesTable,
    RouteTable,
)
from quotadeck.wire.config.problems import Problem, hint, of_pydantic, shown
from quotadeck.wire.config.table import Table
from quotadeck.wire.config.target_table import TargetTable
from quotadeck.wire.config.upstream_table import UpstreamTable

AnyTable = TypeVar("AnyTable", bound=Table)


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables that hold what they may; ``names`` are all that the file has, by section."""

    gateway: GatewayTable
    log: LogTable
    roles: RolesTable
    projects: Mapping[str, ProjectTable]
    upstreams: Mapping[str, UpstreamTable]
    targets: Mapping[str, TargetTable]
    routes: Mapping[str, RouteTable]
    names: Mapping[str, tuple[str, ...]]


def read_tables(raw: Mapping[str, Any]) -> tuple[Tables, list[Problem]]:
    """The tables and what is wrong with the others, which are left out (or at their defaults)."""
    problems = list(_unknown_sections(raw))
    names = {section: _names(raw, section, problems) for section in NAMED_TABLES}

    def once(section: str, model: type[AnyTable]) -> AnyTable:
        return _checked(model, raw.get(section, {}), (section,), problems) or model()

    def named(section: str, model: type[AnyTable]) -> dict[str, AnyTable]:
        found: dict[str, AnyTable] = {}
        for name in names[section]:
            inside = raw[section][name]
            split = _split_name(inside, model)
            problems.extend(_unquoted(section, name, rest) for rest in split)
            if split:
                inside = {key: value for key, value in inside.items() if key not in split}
                if not inside:
                    continue
            if table := _checked(model, inside, (section, name), problems):
                found[name] = table
        return found

    tables = Tables(
        once("gateway", GatewayTable),
        once("log", LogTable),
        once("roles", RolesTable),
        named("projects", ProjectTable),
        named("upstreams", UpstreamTable),
        named("targets", TargetTable),
        named("routes", RouteTable),
        names,
    )
    return tables, problems


def _checked(
    model: type[AnyTable], raw: object, key: Key, problems: list[Problem]
) -> AnyTable | None:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems += of_pydantic(error, model, key)
        return None


def _unknown_sections(raw: Mapping[str, Any]) -> Iterator[Problem]:
    known = (*TABLES, *NAMED_TABLES)
    for section in raw:
        if section not in known:
            yield Problem((section,), f"the unknown table {shown(section)}", hint(section, known))


def _names(raw: Mapping[str, Any], section: str, problems: list[Problem]) -> tuple[str, ...]:
    inside = raw.get(section, {})
    if isinstance(inside, dict):
        return tuple(inside)
    problems.append(Problem((section,), shown(inside), f"tables [{section}.NAME]"))
    return ()


def _split_name(inside: object, model: type[Table]) -> tuple[str, ...]:
    """``1`` where ``[routes.gpt-4.1]`` was meant as one name and TOML made tables of it.

    What it holds is what such a table holds; a table under an unknown key is something else.
    """
    if not isinstance(inside, dict):
        return ()
    fields = model.model_fields.keys()
    return tuple(
        name
        for name, table in inside.items()
        if name not in fields and isinstance(table, dict) and _holds(table, fields)
    )


def _holds(table: Mapping[str, Any], fields: Container[str]) -> bool:
    """Whether it is a table of such fields, or tables of it by names cut once more."""
    return all(
        name in fields or (isinstance(inner, dict) and _holds(inner, fields))
        for name, inner in table.items()
    )


def _unquoted(section: str, name: str, rest: str) -> Problem:
    whole = clean(f"{name}.{rest}", 100)
    return Problem(
        (section, name, rest),
        f"a table {shown(rest)} inside {shown(name)}",
        f'a name with dots in quotes: [{section}."{whole}"]',
    )

"""What the config file says, as it is put on record: canonical JSON, and no secret in it."""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any, Final

import orjson

from quotadeck.domain.catalogue import Catalogue, Project, Route, Target, Upstream
from quotadeck.domain.commands import Field
from quotadeck.domain.limits import Priority
from quotadeck.domain.price import price_of
from quotadeck.domain.rules import LimitKind

_TOLD: Final = tuple(field.name for field in fields(Upstream) if field.repr)
"""What stays out of an upstream's repr is a secret."""
_A_SLICE: Final = 50
"""Values read again before others get a turn."""


def file_layer(catalogue: Catalogue, **more: Any) -> bytes:
    """The catalogue, and what else the file says: JSON with its keys sorted, without blanks."""
    content = {
        **more,
        "projects": catalogue.projects,
        "targets": catalogue.targets,
        "routes": catalogue.routes,
        "upstreams": {
            name: {told: getattr(upstream, told) for told in _TOLD}
            for name, upstream in catalogue.upstreams.items()
        },
    }
    # All that JSON does not know is a set, and a word of ours as a key.
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(content, default=sorted, option=options)


def catalogue_of(
    parts: Iterable[tuple[str, str, Any]],
) -> Generator[None, None, tuple[Catalogue, Mapping[str, Any]]]:
    """What `file_layer` wrote: the catalogue, without secrets, and what else the file said.

    ``parts`` are (kind, name, value), the kind being empty for what is no catalogue's. It yields
    where others may have a turn; what cannot be read any more is passed over.
    """
    made: dict[str, dict[str, Any]] = {kind: {} for kind in _READ}
    more: dict[str, Any] = {}
    for at, (kind, name, value) in enumerate(parts):
        if kind in _READ:
            with suppress(LookupError, TypeError, ValueError):
                made[kind][name] = _READ[kind](value)
        else:
            more[name] = value
        if at % _A_SLICE == 0:
            yield
    return Catalogue(**made), more


def _project(told: Any) -> Project:
    return Project(
        id=told["id"],
        name=told["name"],
        priority=Priority(told["priority"]),
        zone=told["zone"],
        limits=_limits(told["limits"]),
        models=tuple(told["models"]),
        shadow=frozenset(LimitKind(word) for word in told["shadow"]),
    )


def _target(told: Any) -> Target:
    return Target(
        id=told["id"],
        upstream=told["upstream"],
        model=told["model"],
        price=price_of(told["price"]),
        limits=_limits(told["limits"]),
        max_input_tokens=told["max_input_tokens"],
        max_output_tokens=told["max_output_tokens"],
        booked_by=told.get("booked_by", ""),
    )


def _upstream(told: Any) -> Upstream:
    """What another version told besides is passed over, and what it did not has its default."""
    known = {name: told[name] for name in _TOLD if name in told}
    speaks = tuple(known.pop("speaks", ()))
    return Upstream(**known, speaks=speaks, key="")


def _limits(told: Mapping[str, int]) -> dict[Field, int]:
    known = set(Field)
    return {Field(name): value for name, value in told.items() if name in known}


_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    "projects": _project,
    "upstreams": _upstream,
    "targets": _target,
    "routes": lambda told: Route(told["model"], tuple(told["targets"])),
}

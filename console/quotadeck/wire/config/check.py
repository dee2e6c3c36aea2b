"""What pydantic cannot see: names, references between tables, zones, prices that contradict."""

import re
import zoneinfo
from collections.abc import Iterator

from quotadeck.domain.nearest import nearest
from quotadeck.wire.config import prices
from quotadeck.wire.config.addresses import host_of, is_loopback
from quotadeck.wire.config.allow_table import AllowTable
from quotadeck.wire.config.defaults import KNOWN_MODELS, UNKNOWN_MODEL
from quotadeck.wire.config.lines import Key
from quotadeck.wire.config.models import (
    MODEL,
    SLUG,
    ProjectTable,
    RouteTable,
)
from quotadeck.wire.config.problems import Problem, allowed_words, hint, shown
from quotadeck.wire.config.tables import Tables
from quotadeck.wire.config.target_table import TargetTable
from quotadeck.wire.config.upstream_table import UpstreamTable

_SLUG_WORDS = "1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit"
_MODEL_WORDS = "1 to 200 of A-Z a-z 0-9 . _ : / @ + -, beginning with a letter or digit"


def problems_between(tables: Tables) -> Iterator[Problem]:
    """Everything that is wrong with the tables as a whole."""
    yield from _missing_tables(tables)
    yield from _malformed_names(tables)
    for slug, project in tables.projects.items():
        yield from _of_project(slug, project, tables.names["routes"])
    for name, upstream in tables.upstreams.items():
        yield from _of_upstream(("upstreams", name), upstream)
    for name, target in tables.targets.items():
        yield from _of_target(name, target, tables.names["upstreams"])
    for model, route in tables.routes.items():
        yield from _of_route(model, route, tables.names["targets"])


def _missing_tables(tables: Tables) -> Iterator[Problem]:
    shapes = {"projects": "[projects.SLUG]", "routes": '[routes."MODEL"]'}
    for section, shape in shapes.items():
        if not tables.names[section]:
            yield Problem((section,), "nothing", f"at least one table {shape}")


def _malformed_names(tables: Tables) -> Iterator[Problem]:
    for section in ("projects", "upstreams"):
        for name in tables.names[section]:
            if not re.fullmatch(SLUG, name):
                better = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:63]
                such_as = f', such as "{better}"' if better else ""
                yield Problem((section, name), f"the name {shown(name)}", _SLUG_WORDS + such_as)
    for name in tables.names["routes"]:
        if not re.fullmatch(MODEL, name):
            yield Problem(("routes", name), f"the model {shown(name)}", _MODEL_WORDS)


def _of_project(slug: str, project: ProjectTable, models: tuple[str, ...]) -> Iterator[Problem]:
    try:
        zoneinfo.ZoneInfo(project.zone)
    except (ValueError, OSError, KeyError):
        close = nearest(project.zone, tuple(sorted(zoneinfo.available_timezones())))
        guess = f"; did you mean {' or '.join(close)}?" if close else ""
        words = allowed_words(ProjectTable, "zone") + guess
        yield Problem(("projects", slug, "zone"), shown(project.zone), words)
    allow = project.allow
    if allow and allow.unbounded and not allow.reserve_usd:
        words = "what to hold for each such request: " + allowed_words(AllowTable, "reserve_usd")
        yield Problem(("projects", slug, "allow", "reserve_usd"), "nothing", words)
    for place, model in enumerate(project.models or ()):
        if model not in models:
            key = ("projects", slug, "models", place)
            yield Problem(key, f"{shown(model)}, which has no route", hint(model, models))


def _of_upstream(key: Key, upstream: UpstreamTable) -> Iterator[Problem]:
    near = is_loopback(host_of(upstream.base_url)) or upstream.plain_http
    if upstream.key is None and not near and not upstream.headers:
        yield Problem(key, "no key", "key = " + allowed_words(UpstreamTable, "key"))
    if upstream.key is not None and "authorization" in map(str.lower, upstream.headers):
        yield Problem((*key, "headers"), "authorization beside key", "one of the two")
    if upstream.proxy_login is not None and upstream.proxy is None:
        allowed = "proxy = " + allowed_words(UpstreamTable, "proxy")
        yield Problem((*key, "proxy_login"), "it without a proxy", allowed)
    if upstream.ca_file is not None and not upstream.base_url.startswith("https:"):
        yield Problem((*key, "ca_file"), "it beside an http address", "an https address, or none")
    for place, form in enumerate(upstream.speaks or ()):
        if form in (upstream.speaks or ())[:place]:
            yield Problem((*key, "speaks", place), f"{shown(form)} twice", "each form once")


def _of_target(name: str, target: TargetTable, upstreams: tuple[str, ...]) -> Iterator[Problem]:
    key = ("targets", name)
    upstream, slash, model = name.partition("/")
    if not slash or not re.fullmatch(MODEL, model):
        yield Problem(
            key, f"the name {shown(name)}", '"UPSTREAM/MODEL"; the model: ' + _MODEL_WORDS
        )
    elif upstream not in upstreams:
        found = f"the unknown upstream {shown(upstream)}"
        yield Problem(key, found, hint(upstream, upstreams) or "an [upstreams.NAME] of this file")
    yield from prices.problems(key, target, KNOWN_MODELS.get(model, UNKNOWN_MODEL))


def _of_route(model: str, route: RouteTable, targets: tuple[str, ...]) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, target in enumerate(route.targets):
        key = ("routes", model, "targets", place)
        if target not in targets:
            words = hint(target, targets) or 'a [targets."UPSTREAM/MODEL"] of this file'
            yield Problem(key, f"the unknown target {shown(target)}", words)
        elif target in seen:
            yield Problem(key, f"{shown(target)} twice", "each target once")
        seen.add(target)

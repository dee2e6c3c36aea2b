"""Reading the config file into a frozen value, or telling everything that is wrong with it."""

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from quotadeck.domain.catalogue import Catalogue, Upstream
from quotadeck.domain.commands import Role
from quotadeck.domain.providers import provider_named
from quotadeck.domain.text import clean
from quotadeck.wire import paths
from quotadeck.wire.config.addresses import listen_address
from quotadeck.wire.config.build import catalogue
from quotadeck.wire.config.check import problems_between
from quotadeck.wire.config.lines import KeyLines
from quotadeck.wire.config.parse import text_of, toml_of
from quotadeck.wire.config.problems import ConfigError, Problem
from quotadeck.wire.config.tables import read_tables
from quotadeck.wire.config.upstream_facts import upstreams_of

DIGEST_CHARS = 12


@dataclass(frozen=True, slots=True)
class LogConfig:
    """How the gateway's log is written: see `LogTable`."""

    level: str = "info"
    format: str = "auto"
    access: bool = False


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """The whole file as values; secrets stay out of its repr.

    ``roles`` name users and groups as ``user:NAME`` and ``group:NAME``; ``warnings`` are words
    about what is allowed and yet unlikely to be meant. ``digest`` is the beginning of the
    SHA-256 of ``file``: which version of it was taken.
    """

    name: str
    listen_host: str
    listen_port: int
    socket: Path
    state: Path
    socket_group: str | None
    roles: Mapping[Role, tuple[str, ...]]
    catalogue: Catalogue
    request_window_s: int
    token_window_s: int
    body_limit_bytes: int
    cors_origins: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    log: LogConfig = LogConfig()
    file: Path = Path()
    digest: str = ""


def load(path: Path, env: Mapping[str, str] = os.environ) -> GatewayConfig:
    """The config in a file. Raises ConfigError with everything that is wrong.

    Secrets are fetched here, once: from ``env``, files, or programs.
    """
    text = text_of(path)
    tables, problems = read_tables(toml_of(path, text))
    problems += problems_between(tables)
    folder = path.absolute().parent
    upstreams = upstreams_of(tables.upstreams, folder, env, problems)
    socket = _socket(tables.gateway.socket, folder, problems)
    if problems:
        lines = KeyLines(text)
        raise ConfigError(path, tuple(replace(p, line=lines.line_of(p.key)) for p in problems))
    gateway, roles = tables.gateway, tables.roles
    host, port = listen_address(gateway.listen)
    known = catalogue(tables, upstreams)
    return GatewayConfig(
        name=clean(gateway.name or platform.node() or "gateway"),
        listen_host=host,
        listen_port=port,
        socket=socket,
        state=folder / gateway.state if gateway.state else paths.state_dir(),
        socket_group=gateway.socket_group,
        roles={
            Role.VIEWER: tuple(roles.viewer),
            Role.OPERATOR: tuple(roles.operator),
            Role.ADMIN: tuple(roles.admin),
        },
        catalogue=known,
        request_window_s=gateway.request_window_s,
        token_window_s=gateway.token_window_s,
        body_limit_bytes=gateway.body_limit_bytes,
        warnings=(*_warnings(upstreams), *_unpriced(known)),
        log=LogConfig(tables.log.level, tables.log.format, tables.log.access),
        file=path.absolute(),
        digest=sha256(text.encode()).hexdigest()[:DIGEST_CHARS],
        cors_origins=tuple(gateway.cors_origins),
    )


def _socket(named: str | None, folder: Path, problems: list[Problem]) -> Path:
    path = folder / named if named else paths.runtime_socket()
    try:
        return paths.fitting_socket(path)
    except paths.SocketPathTooLong as too_long:
        problems.append(Problem(("gateway", "socket"), too_long.found, too_long.allowed))
        return path


def _unpriced(known: Catalogue) -> Iterator[str]:
    for name, target in known.targets.items():
        if not target.price.is_known:
            yield (
                f"nobody knows what {name} costs: its calls are recorded without a cost, and "
                "projects with a budget are refused; its table takes price_usd, or input_usd and "
                "output_usd, and its upstream a provider whose prices are public"
            )


def _warnings(upstreams: Mapping[str, Upstream]) -> Iterator[str]:
    for name, upstream in upstreams.items():
        least = provider_named(upstream.provider).key_chars
        if upstream.key and len(upstream.key) < least:
            yield (
                f"the key of upstream {name} has {len(upstream.key)} characters; keys of "
                f"{upstream.provider} have {least} or more: was it cut?"
            )

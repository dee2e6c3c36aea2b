"""From the tables of upstreams to what the domain knows of them, their secrets fetched."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from quotadeck.domain.catalogue import Upstream
from quotadeck.domain.providers import provider_at, provider_named
from quotadeck.domain.text import clean
from quotadeck.wire.config.addresses import host_of
from quotadeck.wire.config.lines import Key
from quotadeck.wire.config.pairs import SentValue
from quotadeck.wire.config.problems import Problem
from quotadeck.wire.config.secret_ref import SecretRef
from quotadeck.wire.config.secrets import SecretUnavailable, resolve
from quotadeck.wire.config.upstream_table import UpstreamTable

_TELLING: Final = 12
"""A shorter text of a header may be an ordinary word, and is not hidden in an upstream's words."""


def upstreams_of(
    tables: Mapping[str, UpstreamTable],
    folder: Path,
    env: Mapping[str, str],
    problems: list[Problem],
) -> dict[str, Upstream]:
    """By name; what cannot be had is added to ``problems``."""
    return {
        name: _upstream(name, table, _Secrets(("upstreams", name), folder, env, problems))
        for name, table in tables.items()
    }


class _Secrets:
    """Fetches the secrets of one table; those that it fetched are in ``fetched``."""

    def __init__(
        self, at: Key, folder: Path, env: Mapping[str, str], problems: list[Problem]
    ) -> None:
        self.at = at
        self.folder = folder
        self._env = env
        self.problems = problems
        self.fetched: list[str] = []

    def of(self, ref: SecretRef | None, *key: str) -> str:
        if ref is None:
            return ""
        try:
            secret = resolve(ref, self.folder, self._env)
        except SecretUnavailable as gone:
            self.problems.append(Problem((*self.at, *key), gone.found, gone.allowed))
            return ""
        self.fetched.append(secret)
        return secret

    def sent(self, values: Mapping[str, SentValue], key: str) -> tuple[tuple[str, str], ...]:
        return tuple(
            (name, value if isinstance(value, str) else self.of(value, key, name))
            for name, value in values.items()
        )


def _upstream(name: str, table: UpstreamTable, secrets: _Secrets) -> Upstream:
    provider = table.provider or provider_at(host_of(table.base_url))
    headers = secrets.sent(table.headers, "headers")
    key = secrets.of(table.key, "key")
    login = _login(table, secrets)
    return Upstream(
        name,
        table.base_url,
        key,
        table.timeout_s,
        speaks=tuple(table.speaks or provider_named(provider).speaks),
        provider=provider,
        stream_usage=table.stream_usage,
        bills_delivered=table.bills_delivered,
        price=table.price,
        drift_percent=table.price_drift_percent,
        plain_http=table.plain_http,
        proxy=table.proxy or "",
        ca_file=_authorities(table, secrets),
        headers=headers,
        query=secrets.sent(table.query, "query"),
        proxy_login=login,
        hidden=(*secrets.fetched, *_told_by(table.headers), *login.split(":", 1)[1:]),
    )


def _told_by(headers: Mapping[str, SentValue]) -> list[str]:
    """The texts among them that tell something; an address is no secret."""
    texts = [value for value in headers.values() if isinstance(value, str)]
    return [value for value in texts if len(value) >= _TELLING and "://" not in value]


def _login(table: UpstreamTable, secrets: _Secrets) -> str:
    login = secrets.of(table.proxy_login, "proxy_login")
    if login and table.proxy and ":" not in login:
        found, allowed = "a secret without a colon", "USER:PASSWORD as the secret"
        secrets.problems.append(Problem((*secrets.at, "proxy_login"), found, allowed))
    return login


def _authorities(table: UpstreamTable, secrets: _Secrets) -> str:
    if table.ca_file is None:
        return ""
    path = secrets.folder / table.ca_file
    found = ""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(path)
        if not context.get_ca_certs():
            found = "no authority's certificate in it"
    except ssl.SSLError:
        found = "no certificates in PEM in it"
    except OSError as error:
        found = f"no readable file ({error.strerror})"
    if found:
        allowed = f"a file of certificates in PEM that we may read, where {clean(str(path))} is"
        secrets.problems.append(Problem((*secrets.at, "ca_file"), found, allowed))
    return str(path)

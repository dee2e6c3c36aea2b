"""Upstreams that are not reached: why is told to clients of every form, and nothing is charged."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from quotadeck.dialects.registry import DIALECTS
from quotadeck.domain.catalogue import Route, Target, Upstream
from quotadeck.domain.cause import Cause
from quotadeck.domain.money import NANO_PER_USD
from tests.dialects.forms import FORMS
from tests.gateway.certificates import of_own_authority, self_signed, served_by
from tests.gateway.provider import Peer, Provider, provider
from tests.gateway.rig import Rig, rig
from tests.gateway.serving import asked_over_http
from tests.gateway.values import PRICE, catalogue

WHY = {
    "self-signed": "not trusted: self-signed certificate",
    "another": "not trusted: Hostname mismatch",
    "expired": "not trusted: certificate has expired",
    "unknown": "not trusted: unable to get local issuer",
    "plain": "it speaks no TLS that we do",
    "no name": "Name or service not known",
    "nobody": "refused",
}
NAMELESS = "no-such-host.invalid"


def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """That name is nobody's, whatever the machine's resolver does."""
    real = socket.getaddrinfo

    def ask(host: Any, *more: Any, **options: Any) -> Any:
        if host == NAMELESS:
            raise socket.gaierror(socket.EAI_NONAME, WHY["no name"])
        return real(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", ask)


async def _no_tls(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def _upstreams(stack: AsyncExitStack, there: Path) -> dict[str, Upstream]:
    made = {}
    certificates = {
        "self-signed": ("", self_signed(there)),
        "another": of_own_authority(_in(there, "another"), "other.example"),
        "expired": of_own_authority(_in(there, "expired"), days=-1),
        "unknown": ("", of_own_authority(_in(there, "unknown"))[1]),
    }
    for name, (ca_file, certificate) in certificates.items():
        it = await stack.enter_async_context(provider(_no_tls, served_by(certificate), 60))
        made[name] = replace(_over_tls(name, it), ca_file=str(ca_file))
    plain = await stack.enter_async_context(provider(_no_tls, patience_s=60))
    made["plain"] = _over_tls("plain", plain)
    made["no name"] = Upstream("no name", f"https://{NAMELESS}/v1", "")
    made["nobody"] = Upstream("nobody", "http://127.0.0.1:1/v1", "")
    return made


def _in(there: Path, name: str) -> Path:
    (there / name).mkdir()
    return there / name


def _over_tls(name: str, it: Provider) -> Upstream:
    return Upstream(name, f"https://localhost:{it.port}/v1", "")


@asynccontextmanager
async def before(directory: Path) -> AsyncIterator[tuple[Rig, httpx.AsyncClient]]:
    """A gateway with a model at each of them, by its name."""
    async with AsyncExitStack() as stack:
        upstreams = await _upstreams(stack, directory)
        targets = {
            f"{name}/m": Target(f"{name}/m", name, "m", PRICE, max_output_tokens=99)
            for name in upstreams
        }
        routes = {name: Route(name, (f"{name}/m",)) for name in upstreams}
        of = replace(catalogue(rpm=10**6), upstreams=upstreams, targets=targets, routes=routes)
        it = await stack.enter_async_context(rig(directory, of, DIALECTS))
        yield it, await stack.enter_async_context(asked_over_http(it.app))


async def test_why_an_upstream_is_not_reached_is_told_in_every_form(
    tmp_path: Path, small_ballast: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _nobody(monkeypatch)
    async with before(tmp_path) as (it, http):
        for name, form in FORMS.items():
            for model, why in WHY.items():
                for stream in (False, True) if form.stream else (False,):
                    asked = {**form.asked, "model": model, **({"stream": True} if stream else {})}
                    got = await http.post(form.path, json=asked, timeout=60)
                    told = got.json()
                    assert got.status_code == 502, (name, model, got.text)
                    assert why.lower() in told["error"]["message"].lower(), (name, model)
                    assert told.get("type") == ("error" if "messages" in form.path else None)
                    assert told["error"]["type"] in ("server_error", "api_error")
        assert not it.flights.under_way
        assert {call.cause for call in await it.calls()} == {Cause.UNREACHABLE}
        budget = await it.bucket("project:analytics:budget")
        assert (budget.held, budget.level) == (0, NANO_PER_USD)

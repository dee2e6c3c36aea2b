"""Checks of the providers: does the address answer, is the key taken, are the models there."""

import asyncio
import ssl
import time
from collections.abc import Iterable

import httpx
import orjson

from quotadeck.cli.doctor.finding import Finding, fail, ok, warn
from quotadeck.domain.catalogue import Catalogue, Upstream
from quotadeck.domain.text import clean
from quotadeck.words import text

TIMEOUT_S = 5.0
"""For a whole answer: a provider that drips holds nobody up."""
MAX_BYTES = 4 * 1024**2
AT_ONCE = 8


def upstreams(catalogue: Catalogue) -> Iterable[Finding]:
    """Ask every upstream for its models, with its key, several at a time.

    The gateway's ways: the machine's certificates, no proxy variables, no redirects.
    """

    async def ask_all() -> list[Finding]:
        gate = asyncio.Semaphore(AT_ONCE)
        async with httpx.AsyncClient(
            timeout=None,  # noqa: S113 the whole has one, below
            trust_env=False,
            verify=ssl.create_default_context(),
        ) as http:
            asked = (_ask(one, catalogue, http, gate) for one in catalogue.upstreams.values())
            return await asyncio.gather(*asked)

    return asyncio.run(ask_all())


async def _ask(
    one: Upstream, catalogue: Catalogue, http: httpx.AsyncClient, gate: asyncio.Semaphore
) -> Finding:
    check, url = f"upstream {one.name}", f"{one.base_url}/models"
    headers = {"Authorization": f"Bearer {one.key}"} if one.key else {}
    try:
        async with gate, asyncio.timeout(TIMEOUT_S):
            started = time.monotonic()
            async with http.stream("GET", url, headers=headers) as response:
                body = await _first_bytes(response)
    except TimeoutError:
        found = text("doctor.silent", url=url, within=f"{TIMEOUT_S:g}")
        return fail(check, found, text("doctor.silent.todo"))
    except (httpx.HTTPError, httpx.InvalidURL) as gone:
        return fail(check, f"{url}: {clean(str(gone), 160)}", text("doctor.unreached.todo"))
    if response.status_code in (401, 403):
        found = text("doctor.key_refused", url=url, status=response.status_code)
        return fail(check, found, text("doctor.key_refused.todo"))
    if not response.is_success:
        found = text("doctor.status", url=url, status=response.status_code)
        return warn(check, found, text("doctor.status.todo"))
    return _models(body, round((time.monotonic() - started) * 1000), one, catalogue)


async def _first_bytes(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            break
    return bytes(body)


def _models(body: bytes, took: int, one: Upstream, catalogue: Catalogue) -> Finding:
    check = f"upstream {one.name}"
    try:
        offered = {str(model["id"]) for model in orjson.loads(body)["data"]}
    except (ValueError, KeyError, TypeError):
        found = text("doctor.no_list", url=f"{one.base_url}/models")
        return warn(check, found, text("doctor.no_list.todo"))
    wanted = [t.model for t in catalogue.targets.values() if t.upstream == one.name]
    absent = [model for model in wanted if model not in offered]
    if absent:
        names = clean(", ".join(absent), 200)
        found = text("doctor.absent", took=took, models=names)
        return warn(check, found, text("doctor.absent.todo"))
    return ok(check, text("doctor.offers", took=took, targets=len(wanted)))

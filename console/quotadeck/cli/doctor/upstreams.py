"""Checks of the providers: does the address answer, is the key taken, are the models there."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import orjson

from quotadeck.cli.doctor.finding import Finding, fail, ok, warn
from quotadeck.dialects.openai import OPENAI
from quotadeck.domain.catalogue import Catalogue, Upstream
from quotadeck.domain.text import clean
from quotadeck.gateway.upstream.client import (
    BOUNDS,
    Reply,
    TimedOut,
    UpstreamError,
)
from quotadeck.gateway.upstream.endpoint import endpoint_of
from quotadeck.gateway.upstream.keys import UpstreamKeys, upstream_keys
from quotadeck.gateway.upstream.pool import Pool
from quotadeck.words import text

TIMEOUT_S = 5.0
"""For a whole answer: a provider that drips holds nobody up."""
MAX_BYTES: Final = 4 * 1024**2
AT_ONCE: Final = 8
_VERSION: Final = b"2023-06-01"
"""Of Anthropic's API: what lists models has been the same since."""


def upstreams(catalogue: Catalogue) -> Iterable[Finding]:
    """Ask every upstream for its models, with its key, several at a time, by the gateway's ways."""
    return asyncio.run(all_asked(catalogue))


async def all_asked(catalogue: Catalogue) -> list[Finding]:
    """See `upstreams`."""
    gate = asyncio.Semaphore(AT_ONCE)
    pool = Pool(bounds=replace(BOUNDS, reply_bytes=MAX_BYTES))
    try:
        asked = (_ask(one, catalogue, pool, gate) for one in catalogue.upstreams.values())
        return await asyncio.gather(*asked)
    finally:
        await pool.close()


async def _ask(one: Upstream, catalogue: Catalogue, pool: Pool, gate: asyncio.Semaphore) -> Finding:
    check, url = f"upstream {one.name}", f"{one.base_url}/models"
    try:
        async with gate:
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            reply = await models_of(pool, replace(one, timeout_s=TIMEOUT_S))
            took_ms = round((loop.time() - began_s) * 1_000)
    except TimedOut:
        found = text("doctor.silent", url=url, within=f"{TIMEOUT_S:g}")
        return fail(check, found, text("doctor.silent.todo"))
    except UpstreamError as gone:
        todo = "doctor.unreached.by_proxy" if one.proxy else "doctor.unreached.todo"
        return fail(check, f"{url}: {clean(str(gone), 160)}", text(todo))
    said = words_of(reply, upstream_keys((one.key, *one.hidden)))
    if reply.status in (401, 403, 407):
        whose = "doctor.login_refused" if reply.status == 407 else "doctor.key_refused"
        found = text(whose, url=url, status=reply.status, said=said)
        return fail(check, found, text(f"{whose}.todo"))
    if not 200 <= reply.status < 300:
        found = text("doctor.status", url=url, status=reply.status, said=said)
        todo = "doctor.status.todo" if reply.status in (404, 405) else "doctor.status.asks"
        return warn(check, found, text(todo))
    return _models(reply.body, took_ms, one, catalogue)


async def models_of(pool: Pool, one: Upstream) -> Reply:
    """Its listing of models, or what it says instead. Raises UpstreamError."""
    key = one.key.encode()
    if "messages" in one.speaks[:1]:
        headers: tuple[tuple[bytes, bytes], ...] = ((b"anthropic-version", _VERSION),)
        headers += ((b"x-api-key", key),) if key else ()
    else:
        headers = OPENAI.asks_with(one.key)
    endpoint = endpoint_of(one, "/models", headers, "GET")
    return await pool.call(endpoint, b"", "quotadeck-doctor")


def words_of(reply: Reply, keys: UpstreamKeys) -> str:
    """What an error says, cleaned and cut, without keys; empty where it says nothing."""
    return clean(keys.hide(OPENAI.error(reply.body).message), 200)


def _models(body: bytes, took_ms: int, one: Upstream, catalogue: Catalogue) -> Finding:
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
        found = text("doctor.absent", took=took_ms, models=names)
        return warn(check, found, text("doctor.absent.todo"))
    offers = text("doctor.offers", took=took_ms, targets=len(wanted))
    return ok(check, f"{offers}; {text('doctor.plain')}" if one.plain_http else offers)

"""Leases over HTTP: made, renewed and given back under /v1/quota/leases, with a data key. What was
used elsewhere is told with them, or under /v1/quota/used where nothing is to be leased.

An answer tells the project's quota, too, as /v1/quota does: who spends from a lease wants to know.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from quotadeck.admission.admit import Acquire
from quotadeck.domain.days import rfc3339
from quotadeck.domain.lease import LIFE_MS, Amounts
from quotadeck.gateway.connection.body_memory import HeldBody
from quotadeck.gateway.connection.exchange import Exchange
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.lease import Held, Lease
from quotadeck.gateway.data.lease_asked import BODY_BYTES, HEADER, read_ask, read_name
from quotadeck.gateway.data.leases import Leases

PATH: Final = "/v1/quota/leases"
USED: Final = "/v1/quota/used"


def methods_of(path: str) -> tuple[str, ...]:
    """What may be done at a path of leases; nothing where it is none."""
    if path in (PATH, USED):
        return ("POST",)
    return ("POST", "DELETE") if path.startswith(f"{PATH}/") else ()


async def answer(
    leases: Leases,
    exchange: Exchange,
    headers: Mapping[bytes, bytes],
    caller: Caller,
    held: HeldBody,
) -> dict[str, Any]:
    """The answer's object. Raises Refusal."""
    if exchange.path == USED:
        await leases.book(
            caller, read_ask(await held.read(exchange, headers, BODY_BYTES), used_alone=True)
        )
        return {"object": "quota.used", "project": caller.project}
    identity = exchange.path.removeprefix(PATH).lstrip("/")
    if exchange.method == "DELETE":
        lease, back = await leases.give_back(caller, identity)
        return _over(lease, back)
    ask = read_ask(await held.read(exchange, headers, BODY_BYTES))
    if identity:
        return _living(await leases.renew(caller, identity, ask))
    return _living(await leases.make(caller, ask))


async def draws(leases: Leases, caller: Caller, headers: Mapping[bytes, bytes]) -> Acquire:
    """How a call takes whose headers name a lease. Raises BadHeader, NoSuchLease or LeaseOver."""
    return await leases.draws(caller, read_name(headers[HEADER]))


def with_quota(told: Mapping[str, Any], quota: bytes) -> bytes:
    """The answer as JSON."""
    return orjson.dumps({**told, "quota": orjson.Fragment(quota)})


def _living(now: Held) -> dict[str, Any]:
    """A lease: all that it holds, and what of it was given to it now. ``wait_ms`` is until it can
    hold the least that was asked: 0 where it does, null where no time can be told."""
    lease = now.lease
    return {
        "object": "quota.lease",
        "id": lease.id,
        "project": lease.caller.project,
        "held": now.held._asdict(),
        "granted": now.granted._asdict(),
        "wait_ms": now.wait_ms,
        "binding": now.binding or None,
        "expires_at": rfc3339(lease.until_us),
        "expires_in_ms": LIFE_MS,
    }


def _over(lease: Lease, back: Amounts) -> dict[str, Any]:
    return {
        "object": "quota.lease.ended",
        "id": lease.id,
        "project": lease.caller.project,
        "given_back": back._asdict(),
        "drawn": Amounts(*lease.all_drawn)._asdict(),
        "calls": lease.calls,
    }

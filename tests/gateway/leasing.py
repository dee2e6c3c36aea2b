"""Leases as an application asks for them, over the data plane under test."""

from typing import Any

import orjson

from quotadeck.domain.limits import MICRO
from quotadeck.words import say
from tests.gateway.chats import ANALYTICS
from tests.gateway.rig import OTHER, Reply, Rig

LEASES = "/v1/quota/leases"
USED = "/v1/quota/used"
RPM, TPM, MONEY = (f"{ANALYTICS}:{kind}" for kind in ("rpm", "tpm", "budget"))
THEIRS = {"authorization": f"Bearer {OTHER}"}


async def lease(
    it: Rig, identity: str = "", headers: dict[str, str] | None = None, **asked: Any
) -> dict[str, Any]:
    """Made, or renewed; it must be."""
    reply = await asks(it, identity, headers, **asked)
    assert reply.status == 200, reply.body
    return dict(orjson.loads(reply.body))


async def asks(
    it: Rig,
    identity: str = "",
    headers: dict[str, str] | None = None,
    at: str = LEASES,
    **asked: Any,
) -> Reply:
    path = f"{at}/{identity}" if identity else at
    return await it.ask(orjson.dumps(asked) if asked else b"", path=path, headers=headers or {})


async def gives_back(it: Rig, identity: str) -> Reply:
    return await it.ask(b"", method="DELETE", path=f"{LEASES}/{identity}")


async def left(it: Rig) -> tuple[int, int, int]:
    """Whole requests, whole tokens, nano-dollars."""
    levels = [(await it.bucket(key)).level for key in (RPM, TPM, MONEY)]
    return levels[0] // MICRO, levels[1] // MICRO, levels[2]


def ended(it: Rig) -> list[str]:
    return [say(event.told) for event in it.told]

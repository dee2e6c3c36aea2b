"""``POST probe`` and ``GET probed``: have an upstream's ways learned, and read what came of it.

It takes as long as its calls, so it is begun by the one and read by the other.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request

from quotadeck.domain.commands import Actor
from quotadeck.domain.probe import ProbeAsk
from quotadeck.domain.text import clean
from quotadeck.gateway.control.admin_command import read_body
from quotadeck.gateway.control.admin_error import AdminRefusal
from quotadeck.gateway.probe.asked import ProbeRefused
from quotadeck.gateway.probe.probes import Probes
from quotadeck.wire.objects import dump

_FIELDS: Final = ("upstream", "model", "project", "dry_run")


async def begin(request: Request, actor: Actor, probes: Probes | None) -> bytes:
    """``{"upstream", "model"?, "project"?, "dry_run"?}``: what it will ask, and cost at most."""
    asked = _object(await read_body(request))
    if probes is None:
        raise AdminRefusal(404, "not_found", "admin.no_probes")
    ask = ProbeAsk(*(str(asked.get(name) or "") for name in _FIELDS[:3]))
    try:
        if asked.get("dry_run"):
            return dump(probes.foresee(ask))
        return dump(probes.begin(ask, actor.name))
    except ProbeRefused as refused:
        told = refused.told
        status, code = (409, "conflict") if told.kind == "probe.busy" else (400, "invalid")
        raise AdminRefusal(status, code, told.kind, **told.facts) from None


def read(asked: Mapping[str, str], probes: Probes | None) -> bytes:
    """``GET probed?id=``."""
    for name in asked:
        if name != "id":
            raise AdminRefusal(
                400, "invalid", "admin.no_parameter", name=clean(name, 80), allowed=("id",)
            )
    report = probes.report(asked.get("id", "")) if probes else None
    if report is None:
        raise AdminRefusal(404, "not_found", "admin.no_such_probe", name=clean(asked.get("id", "")))
    return dump(report)


def _object(body: bytes) -> dict[str, Any]:
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as wrong:
        what = clean(str(wrong), 120)
        raise AdminRefusal(400, "invalid", "admin.not_json", what=what) from None
    if not isinstance(asked, dict):
        raise AdminRefusal(400, "invalid", "admin.no_object")
    for name in asked:
        if name not in _FIELDS:
            name = clean(str(name), 80)
            raise AdminRefusal(400, "invalid", "admin.no_parameter", name=name, allowed=_FIELDS)
    return asked

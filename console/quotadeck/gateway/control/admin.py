"""The admin API: ``/admin/v1`` on the Unix socket, and the health checks.

Who asks is the peer's account; what it may reach is a fixed table of role × route. Commands have
their own table (`quotadeck.domain.verbs`), so that a refused one stands in the audit.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Send

from quotadeck.domain.calls import OpenCall
from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.clock import Clock
from quotadeck.domain.commands import Actor, Role
from quotadeck.domain.lease import LeasesPage
from quotadeck.domain.snapshot import Whoami
from quotadeck.domain.text import clean
from quotadeck.gateway.connection.connections import seat_of
from quotadeck.gateway.control import admin_detail as detail
from quotadeck.gateway.control import admin_pages as pages
from quotadeck.gateway.control import admin_past as past_pages
from quotadeck.gateway.control import admin_probe as probing
from quotadeck.gateway.control.admin_accounts import Accounts
from quotadeck.gateway.control.admin_answers import answer_json
from quotadeck.gateway.control.admin_command import read_command
from quotadeck.gateway.control.admin_error import AdminRefusal, refusal_answer
from quotadeck.gateway.control.admin_gate import ACCOUNT, ACTOR, STREAM_NS, AdminGate
from quotadeck.gateway.control.admin_past import PastPictures
from quotadeck.gateway.control.admin_seats import take_seat
from quotadeck.gateway.control.desk import Desk
from quotadeck.gateway.control.large import LARGE, beside
from quotadeck.gateway.control.shares import Account, Shares
from quotadeck.gateway.data.leases import Leases
from quotadeck.gateway.probe.probes import Probes
from quotadeck.gateway.watch.feed import Feed, pieces
from quotadeck.store import Ledger, Reader, StoreError
from quotadeck.store.errors import facts_of
from quotadeck.wire import objects
from quotadeck.wire.translate import command_of

PREFIX: Final = "/admin/v1/"

REACH: Final[Mapping[str, Role]] = {
    "snapshot": Role.VIEWER,
    "stream": Role.VIEWER,
    "commands": Role.VIEWER,
    "audit": Role.VIEWER,
    "calls": Role.VIEWER,
    "rollups": Role.VIEWER,
    "series": Role.VIEWER,
    "levels": Role.VIEWER,
    "events": Role.VIEWER,
    "alarms": Role.VIEWER,
    "report": Role.VIEWER,
    "keys": Role.OPERATOR,
    "leases": Role.VIEWER,
    "project": Role.VIEWER,
    "models": Role.VIEWER,
    "whoami": Role.VIEWER,
    "probe": Role.OPERATOR,
    "probed": Role.OPERATOR,
}
"""The least role for each route under the prefix."""

_POSTED: Final = ("commands", "probe")
_RANK: Final = {role: rank for rank, role in enumerate(Role)}
_STATUS: Final = {
    "not_allowed": 403,
    "not_found": 404,
    "stale": 409,
    "conflict": 409,
    "invalid": 400,
    "unrecorded": 503,
}
_DRAINING: Final = AdminRefusal(503, "draining", "admin.draining")

Handler = Callable[[Request, Actor], Awaitable[Response]]


class _EventStream(StreamingResponse):
    """Lets go of its feed at once when the client leaves in the middle of a send."""

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self.body_iterator):  # type: ignore[type-var]
            await super().stream_response(send)


@dataclass(frozen=True, slots=True)
class _Doors:
    """The handlers, over what they need."""

    desk: Desk
    ledger: Ledger
    feed: Feed
    past: PastPictures
    clock: Clock
    name: str
    shares: Shares
    unready: Callable[[], str]
    draining: Callable[[], bool]
    probes: Probes | None
    leases: Leases | None

    async def whoami(self, request: Request, actor: Actor) -> Response:
        _none(request)
        return _object(Whoami(actor.name, actor.role))

    async def get_snapshot(self, request: Request, _: Actor) -> Response:
        asked = _params(request)
        if asked:
            at_us = pages.past_instant(asked, self.clock.wall_us())
            async with self.shares.reading(_account(request)):
                whole = await self.past.at(at_us)
        else:
            whole = await self.feed.whole()

        async def sent() -> AsyncIterator[bytes]:
            for piece in pieces(whole):
                yield piece

        headers = {"content-length": str(len(whole))}
        return StreamingResponse(sent(), media_type="application/json", headers=headers)

    async def stream(self, request: Request, actor: Actor) -> Response:
        _none(request)
        _account(request).spend(STREAM_NS)
        headers = {"cache-control": "no-store"}
        return _EventStream(
            self.feed.listen(actor.name), media_type="text/event-stream", headers=headers
        )

    async def command(self, request: Request, actor: Actor) -> Response:
        _none(request)
        asked = await read_command(request)
        read = partial(command_of, asked)
        command = await beside(read, large=len(asked.subjects) > LARGE)
        answer = await self.desk.submit(command, actor, dry_run=asked.dry_run)
        refused = answer.refused
        if refused and refused.code != "unrecorded" and not asked.dry_run:
            _account(request).refused()
        status = _STATUS[refused.code] if refused else 200
        return Response(answer_json(answer), status, media_type="application/json")

    async def audit(self, request: Request, _: Actor) -> Response:
        async with self.shares.reading(_account(request)):
            page = await pages.audit(_params(request), self.desk, self.clock.wall_us())
        return Response(page, media_type="application/json")

    async def keys(self, request: Request, _: Actor) -> Response:
        return _object(pages.keys(_params(request), self.desk, self.clock.wall_us()))

    async def held_leases(self, request: Request, _: Actor) -> Response:
        _none(request)
        return _object(await self.leases.page() if self.leases else LeasesPage(0))

    async def project(self, request: Request, _: Actor) -> Response:
        async with self.shares.reading(_account(request)):
            now_us = self.clock.wall_us()
            told = await detail.project(_params(request), self.ledger.pages, now_us)
        return Response(told, media_type="application/json")

    async def models(self, request: Request, _: Actor) -> Response:
        async with self.shares.reading(_account(request)):
            now_us = self.clock.wall_us()
            told = await detail.models(_params(request), self.ledger.pages, self.desk, now_us)
        return Response(told, media_type="application/json")

    def page(self, read: Callable[[pages.Asked, Reader, int], Awaitable[bytes]]) -> Handler:
        async def handler(request: Request, _: Actor) -> Response:
            async with self.shares.reading(_account(request)):
                page = await read(_params(request), self.ledger.pages, self.ledger.epoch)
            return Response(page, media_type="application/json")

        return handler

    async def series(self, request: Request, _: Actor) -> Response:
        asked, named = _params(request, "subject"), request.query_params.getlist("subject")
        async with self.shares.reading(_account(request)):
            page = await pages.series(asked, named, self.ledger.pages, self.clock.wall_us())
        return Response(page, media_type="application/json")

    async def alarms(self, request: Request, _: Actor) -> Response:
        async with self.shares.reading(_account(request)):
            page = await past_pages.alarms(
                _params(request), self.ledger.pages, self.clock.wall_us()
            )
        return Response(page, media_type="application/json")

    async def report(self, request: Request, _: Actor) -> Response:
        async with self.shares.reading(_account(request)):
            told = await past_pages.report(
                _params(request), self.ledger.pages, self.desk, self.clock.wall_us(), self.name
            )
        return Response(told, media_type="application/json")

    async def probe(self, request: Request, actor: Actor) -> Response:
        _none(request)
        begun = await probing.begin(request, actor, self.probes)
        return Response(begun, media_type="application/json")

    async def probed(self, request: Request, _: Actor) -> Response:
        told = probing.read(_params(request), self.probes)
        return Response(told, media_type="application/json")

    async def healthz(self, _: Request) -> Response:
        if self.draining():
            return refusal_answer(_DRAINING)
        return Response(b'{"ok":true}', media_type="application/json")

    async def readyz(self, _: Request) -> Response:
        if self.draining():
            return refusal_answer(_DRAINING)
        if why := self.unready():
            return refusal_answer(AdminRefusal(503, "unready", "admin.unready", why=why))
        return Response(b'{"ready":true}', media_type="application/json")


def create_admin(
    *,
    desk: Desk,
    ledger: Ledger,
    feed: Feed,
    clock: Clock,
    roles: Mapping[Role, tuple[str, ...]],
    own_uid: int | None = None,
    unready: Callable[[], str] = lambda: "",
    draining: Callable[[], bool] = lambda: False,
    under_way: Callable[[], Iterable[OpenCall]] = tuple,
    catalogue: Catalogue | None = None,
    name: str = "",
    probes: Probes | None = None,
    leases: Leases | None = None,
) -> ASGIApp:
    """The application; it needs `PeerProtocol` below it to know its peers.

    ``own_uid`` is the account that is admin without being listed, ours by default; ``unready``
    says why the gateway should get no traffic now, or nothing; ``draining``, that it ends;
    ``under_way`` are the calls that have not ended; a past picture has the order of ``catalogue``;
    ``name`` is the gateway's own; without ``probes`` nothing is learned of upstreams, without
    ``leases`` there are none.
    """
    shares = Shares(clock)
    past = PastPictures(ledger, catalogue, clock, under_way)
    doors = _Doors(desk, ledger, feed, past, clock, name, shares, unready, draining, probes, leases)
    accounts = Accounts(roles, os.getuid() if own_uid is None else own_uid, clock)
    handlers: dict[str, Handler] = {
        "snapshot": doors.get_snapshot,
        "stream": doors.stream,
        "commands": doors.command,
        "audit": doors.audit,
        "calls": doors.page(pages.calls),
        "rollups": doors.page(pages.rollups),
        "series": doors.series,
        "levels": doors.page(pages.levels),
        "events": doors.page(pages.events),
        "alarms": doors.alarms,
        "report": doors.report,
        "keys": doors.keys,
        "leases": doors.held_leases,
        "project": doors.project,
        "models": doors.models,
        "whoami": doors.whoami,
        "probe": doors.probe,
        "probed": doors.probed,
    }
    app = Starlette(
        routes=[
            *(_route(name, handler) for name, handler in handlers.items()),
            Route("/healthz", doors.healthz),
            Route("/readyz", doors.readyz),
        ],
        exception_handlers={
            AdminRefusal: _on_refusal,
            StoreError: _on_store,
            HTTPException: _on_http,
            ClientDisconnect: _on_gone,
            Exception: _on_failure,
        },
    )
    app.router.redirect_slashes = False
    return AdminGate(app, PREFIX, accounts, shares, desk.refused.turned_away)


def _route(name: str, handler: Handler) -> Route:
    least = REACH[name]

    async def endpoint(request: Request) -> Response:
        actor: Actor | None = request.scope["state"].get(ACTOR)
        if actor is None:
            raise AdminRefusal(401, "not_allowed", "admin.nobody")
        if _RANK[actor.role] < _RANK[least]:
            raise AdminRefusal(
                403,
                "not_allowed",
                "admin.role",
                actor=actor.name,
                role=actor.role.value,
                name=name,
                needed=least.value,
            )
        take_seat(seat_of(request.scope), actor, is_stream=name == "stream")
        return await handler(request, actor)

    method = "POST" if name in _POSTED else "GET"
    route = Route(f"{PREFIX}{name}", endpoint, methods=[method])
    # Starlette adds HEAD to GET; a HEAD of the stream would never end.
    route.methods = {method}
    return route


def _account(request: Request) -> Account:
    account: Account = request.scope["state"][ACCOUNT]
    return account


def _none(request: Request) -> None:
    if request.query_params:
        name = clean(next(iter(request.query_params)), 80)
        raise AdminRefusal(400, "invalid", "admin.no_parameter.none", name=name)


def _params(request: Request, several: str = "") -> dict[str, str]:
    params: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in params and name != several:
            raise AdminRefusal(400, "invalid", "admin.parameter_twice", name=clean(name, 80))
        params[name] = value
    return params


def _object(value: Any) -> Response:
    return Response(objects.dump(value), media_type="application/json")


def _on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, AdminRefusal)
    return refusal_answer(error)


def _on_store(_: Request, error: Exception) -> Response:
    assert isinstance(error, StoreError)
    return refusal_answer(AdminRefusal(503, "store", "admin.store", **facts_of(error)))


def _on_gone(_: Request, __: Exception) -> Response:
    return refusal_answer(AdminRefusal(400, "invalid", "admin.body_cut"))


def _on_failure(_: Request, __: Exception) -> Response:
    return refusal_answer(AdminRefusal(500, "failed", "admin.failed"))


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = clean(request.url.path, 80)
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        answer = refusal_answer(
            AdminRefusal(
                405, "invalid", "admin.method", path=path, method=request.method, allowed=allowed
            )
        )
        answer.headers["allow"] = allowed
        return answer
    return refusal_answer(
        AdminRefusal(
            error.status_code,
            "not_found",
            "admin.not_found",
            path=path,
            prefix=PREFIX,
            names=tuple(REACH),
        )
    )

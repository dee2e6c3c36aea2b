"""The data plane: which request is whose, and the one place where refusals become replies."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from quotadeck.dialects.base import Dialect, ErrorReply
from quotadeck.dialects.head import upstream_id_line
from quotadeck.domain.nearest import nearest
from quotadeck.domain.refusals import (
    Draining,
    KeyRevoked,
    NoSuchPath,
    ProjectNotOfKey,
    Refusal,
    TooManyRequests,
    UnknownModel,
    WrongMethod,
)
from quotadeck.gateway.connection.body_memory import BodyMemory
from quotadeck.gateway.connection.connections import Crowded, OwnerCrowded, Seat
from quotadeck.gateway.connection.exchange import Exchange
from quotadeck.gateway.data import lease_door, quota
from quotadeck.gateway.data.arrival import Arrival
from quotadeck.gateway.data.call import Calls
from quotadeck.gateway.data.cors import CrossOrigin
from quotadeck.gateway.data.keys import Caller, KeyRing, by_name
from quotadeck.gateway.data.naming import named
from quotadeck.gateway.log.handler import of_request
from quotadeck.gateway.plan import Plan

LOG = logging.getLogger(__name__)
_TEXT: Final = b"content-type: text/plain\r\n"


class DataPlane:
    """Answers an `Exchange`. Each path has its ``dialects``' own; the rest is told in the first."""

    def __init__(
        self,
        calls: Calls,
        plan: Callable[[], Plan],
        keys: Callable[[], KeyRing],
        started_s: int,
        dialects: Sequence[Dialect],
        cross_origin: CrossOrigin | None = None,
    ) -> None:
        self.calls = calls
        self._plan = plan
        self._keys = keys
        self._started_s = started_s
        self._dialects: Mapping[str, Dialect] = {
            path: dialect for dialect in dialects for path in dialect.endpoints
        }
        self._speakers = tuple(dialects)
        self._listings = tuple(dict.fromkeys(each.listing for each in dialects if each.listing))
        self._cross_origin = cross_origin
        self._bodies = BodyMemory(calls.body_limit_bytes)

    @property
    def draining(self) -> bool:
        """Whether nothing new is taken."""
        return self.calls.flights.draining

    async def __call__(self, exchange: Exchange) -> None:
        if self._cross_origin is None:
            return await self._answer(exchange)
        exchange = self._cross_origin.of(exchange)
        if self._cross_origin.is_question(exchange):
            return await self._cross_origin.answer(exchange)
        return await self._answer(exchange)

    async def _answer(self, exchange: Exchange) -> None:
        arrival = self.calls.flights.arrival()
        dialect = self._dialects.get(exchange.path) or self._speaker(exchange)
        project = ""
        try:
            if exchange.path == "/healthz":
                status, words = (503, b"draining\n") if self.draining else (200, b"ok\n")
                return await exchange.answer(status, _TEXT, words)
            headers, arrival, caller = self._known(dialect, exchange, arrival)
            project = caller.project
            self._let_in(dialect, exchange, arrival, caller)
            if exchange.path == quota.PATH:
                return await self._tell_quota(dialect, exchange, arrival, caller)
            if lease_door.methods_of(exchange.path):
                return await self._lease(dialect, exchange, arrival, caller, headers)
            if exchange.path not in self._dialects:
                return await self._list_models(dialect, exchange, arrival, caller)
            with self._bodies.of(project) as held:
                return await self.calls.answer(dialect, arrival, caller, headers, exchange, held)
        except Refusal as refusal:
            if exchange.begun:
                raise
            status, head, body = dialect.refusal(refusal, arrival.id)
            if refusal.upstream_request_id:
                head += upstream_id_line(refusal.upstream_request_id)
        except Exception as fault:
            LOG.exception("request %s failed", arrival.id, extra=of_request(arrival.id))
            if exchange.begun:
                raise
            status, head, body = dialect.refusal(fault, arrival.id)
        if project:
            head += _project_line(project)
        return await exchange.answer(status, _id_lines(dialect, arrival) + head, body)

    def refused(self, refusal: Refusal) -> ErrorReply:
        """The reply to what is no request; told to all as any refusal, of somebody unknown."""
        arrival = self.calls.flights.arrival()
        first = self._speakers[0]
        self.calls.refusals.tell(first, arrival, None, None, refusal)
        status, head, body = first.refusal(refusal)
        return ErrorReply(status, _id_lines(first, arrival) + head, body)

    def _known(
        self, dialect: Dialect, exchange: Exchange, arrival: Arrival
    ) -> tuple[dict[bytes, bytes], Arrival, Caller]:
        """Whose request it is, and what it is called. Raises Refusal, told."""
        try:
            headers = by_name(exchange.headers)
            arrival = named(arrival, headers)
            self._must_be_served(exchange.path, exchange.method)
            return headers, arrival, self._keys().caller(headers, self._plan().projects)
        except Refusal as refusal:
            self.calls.refusals.tell(dialect, arrival, _known_by(refusal), None, refusal)
            raise

    def _let_in(
        self, dialect: Dialect, exchange: Exchange, arrival: Arrival, caller: Caller
    ) -> None:
        """Give it one of the places for requests under way. Raises Refusal, told."""
        try:
            if self.draining:
                raise Draining
            _seat(exchange.seat, caller)
        except Refusal as refusal:
            self.calls.refusals.tell(dialect, arrival, caller, None, refusal)
            raise

    def _must_be_served(self, path: str, method: str) -> None:
        if path in self._dialects:
            allowed: tuple[str, ...] = ("POST",)
        elif path == quota.PATH or self._lists(path):
            allowed = ("GET", "HEAD")
        elif of_leases := lease_door.methods_of(path):
            allowed = of_leases
        else:
            served = *self._dialects, *self._listings, quota.PATH, lease_door.PATH, lease_door.USED
            raise NoSuchPath(path, served, _meant(path, served))
        if method not in allowed:
            raise WrongMethod(path, ", ".join(allowed))

    def _lists(self, path: str) -> bool:
        """Whether it is a listing of models, or of one model."""
        return any(_is_under(path, listing) for listing in self._listings)

    def _speaker(self, exchange: Exchange) -> Dialect:
        """Whose words answer at a path that is no endpoint.

        Several may have one listing: it is a client's whose headers say so. What lies below an
        endpoint is its dialect's.
        """
        path, sent = exchange.path, {name for name, _ in exchange.headers}
        near = [
            each
            for each in self._speakers
            if any(_is_under(path, one) for one in (each.listing, *each.endpoints) if one)
        ]
        of_client = [each for each in near or self._speakers if each.known_by in sent]
        return (of_client or near or self._speakers)[0]

    async def _tell_quota(
        self, dialect: Dialect, exchange: Exchange, arrival: Arrival, caller: Caller
    ) -> None:
        told = await self._quota(caller.project)
        head = dialect.whole_head + _id_lines(dialect, arrival) + _project_line(caller.project)
        await exchange.answer(200, head, told)

    async def _lease(
        self,
        dialect: Dialect,
        exchange: Exchange,
        arrival: Arrival,
        caller: Caller,
        headers: Mapping[bytes, bytes],
    ) -> None:
        with self._bodies.of(caller.project) as held:
            told = await lease_door.answer(self.calls.leases, exchange, headers, caller, held)
        body = lease_door.with_quota(told, await self._quota(caller.project))
        head = dialect.whole_head + _id_lines(dialect, arrival) + _project_line(caller.project)
        await exchange.answer(200, head, body)

    async def _quota(self, project: str) -> bytes:
        plan, calls = self._plan().projects[project], self.calls
        return await quota.quota_of(plan, calls.limiter, calls.days, calls.flights.wall_us())

    async def _list_models(
        self, dialect: Dialect, exchange: Exchange, arrival: Arrival, caller: Caller
    ) -> None:
        plan = self._plan()
        allowed = plan.projects[caller.project].project.models
        owners = {
            model: route.serving.partition("/")[0]
            for model, route in plan.routes.items()
            if not allowed or model in allowed
        }
        wanted = exchange.path.removeprefix(dialect.listing).lstrip("/")
        if wanted and wanted not in owners:
            refusal = UnknownModel(wanted, nearest(wanted, owners))
            self.calls.refusals.tell(dialect, arrival, caller, None, refusal)
            raise refusal
        listed = dialect.models(owners, self._started_s, wanted)
        await exchange.answer(200, _id_lines(dialect, arrival) + dialect.whole_head, listed)


def _is_under(path: str, above: str) -> bool:
    return path == above or path.startswith(above + "/")


def _meant(path: str, served: tuple[str, ...]) -> str:
    """The path that is served and may have been meant by this one; empty: none."""
    once = "/" + "/".join(filter(None, path[:200].split("/")))
    same = next((one for one in (once, "/v1" + once) if one in served), "")
    return same or next(iter(nearest(path, served)), "")


def _id_lines(dialect: Dialect, arrival: Arrival) -> bytes:
    return dialect.id_lines % {b"id": arrival.id.encode()}


def _project_line(project: str) -> bytes:
    return b"x-project-id: %b\r\n" % project.encode()


def _known_by(refusal: Refusal) -> Caller | None:
    """Whose request it was, where its key tells although it does not let it in."""
    match refusal:
        case KeyRevoked(key_id=key_id, project=project):
            return Caller(key_id, project)
        case ProjectNotOfKey(key_id=key_id, projects=(project, *_)):
            return Caller(key_id, project)
    return None


def _seat(seat: Seat, caller: Caller) -> None:
    """From now on its connection is in use, and not a stranger's."""
    try:
        seat.serve(caller.project)
    except OwnerCrowded as crowded:
        raise TooManyRequests(crowded.allowed, caller.project) from None
    except Crowded as crowded:
        raise TooManyRequests(crowded.places) from None

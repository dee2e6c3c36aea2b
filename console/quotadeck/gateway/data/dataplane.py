"""The data plane as an ASGI application: OpenAI's dialect, and nothing that is not in its table."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from quotadeck.dialects.openai.errors import error_reply
from quotadeck.domain.nearest import nearest
from quotadeck.domain.refusals import (
    Draining,
    KeyRevoked,
    NoSuchPath,
    Refusal,
    TooManyRequests,
    UnknownModel,
    WrongMethod,
)
from quotadeck.domain.text import clean
from quotadeck.gateway.connection.body_memory import BodyMemory
from quotadeck.gateway.connection.connections import Crowded, OwnerCrowded, seat_of
from quotadeck.gateway.data.chat import ChatRoute
from quotadeck.gateway.data.flight import Arrival
from quotadeck.gateway.data.http import Receive, Send, send_whole
from quotadeck.gateway.data.keys import Caller, KeyRing, by_name
from quotadeck.gateway.data.openai_replies import MAX_REQUEST_ID, rate_headers
from quotadeck.gateway.plan import Plan

LOG = logging.getLogger(__name__)
_CHAT = "/v1/chat/completions"
_MODELS = "/v1/models"


class DataPlane:
    """Routes, authentication and the one place where refusals become replies."""

    def __init__(
        self, chat: ChatRoute, plan: Callable[[], Plan], keys: Callable[[], KeyRing], started_s: int
    ) -> None:
        self._chat = chat
        self._plan = plan
        self._keys = keys
        self._started_s = started_s
        self._bodies = BodyMemory(chat.body_limit_bytes)

    @property
    def draining(self) -> bool:
        """Whether nothing new is taken."""
        return self._chat.flights.draining

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"the data plane speaks HTTP only, not {scope['type']}")
        arrival = self._chat.flights.arrival()
        started = whole = False

        async def sending(message: dict[str, Any]) -> None:
            nonlocal started, whole
            await send(message)
            started = True
            whole = message["type"] == "http.response.body" and not message.get("more_body")

        try:
            await self._route(scope, receive, sending, arrival)
        except Refusal as refusal:
            if started:
                raise
            reply = error_reply(refusal)
            reply.headers.extend(rate_headers(refusal.rates))
            if refusal.project_id:
                reply.headers.append((b"x-project-id", refusal.project_id.encode()))
        except Exception as fault:
            LOG.exception("request %s failed", arrival.id)
            if started:
                raise
            reply = error_reply(fault)
        else:
            if not whole:
                # Its client has not taken the end in time: what has come is not the whole.
                seat_of(scope).hang_up()
                while (await receive())["type"] != "http.disconnect":
                    pass
            return
        headers = [(b"x-request-id", arrival.id.encode()), *reply.headers]
        await send_whole(send, reply.status, headers, reply.body)

    async def _route(
        self, scope: dict[str, Any], receive: Receive, send: Send, arrival: Arrival
    ) -> None:
        path, method = scope["path"], scope["method"]
        if path == "/healthz":
            status, words = (503, b"draining\n") if self.draining else (200, b"ok\n")
            return await send_whole(send, status, [(b"content-type", b"text/plain")], words)
        if self.draining:
            raise Draining
        headers = by_name(scope["headers"])
        theirs = headers.get(b"x-client-request-id") or headers.get(b"x-request-id")
        if theirs:
            name = clean(theirs.decode("utf-8", "replace"), MAX_REQUEST_ID)
            arrival = replace(arrival, client_request_id=name)
        if path == _CHAT:
            _must_be(method, "POST", path)
            caller = self._caller(arrival, scope, headers)
            try:
                with self._bodies.of(caller.project) as held:
                    counted = held.counting(receive)
                    return await self._chat.answer(arrival, caller, headers, counted, send)
            except Refusal as refusal:
                refusal.project_id = caller.project
                raise
        if path == _MODELS or path.startswith(_MODELS + "/"):
            _must_be(method, "GET", path)
            caller = self._caller(arrival, scope, headers)
            return await self._models(caller, path.removeprefix(_MODELS).lstrip("/"), send)
        raise NoSuchPath(path)

    def _caller(
        self, arrival: Arrival, scope: dict[str, Any], headers: dict[bytes, bytes]
    ) -> Caller:
        """Who asks; from now on its connection is in use, and not a stranger's.

        A refusal of somebody who is known is told like any other.
        """
        plan = self._plan()
        try:
            caller = self._keys().caller(headers, plan.projects)
        except KeyRevoked as revoked:
            known = Caller(revoked.key_id, revoked.project)
            self._chat.refused(arrival, known, plan, None, revoked)
            raise
        try:
            seat_of(scope).serve(caller.project)
        except OwnerCrowded as crowded:
            refusal = TooManyRequests(crowded.allowed, caller.project)
        except Crowded as crowded:
            refusal = TooManyRequests(crowded.places)
        else:
            return caller
        self._chat.refused(arrival, caller, plan, None, refusal)
        raise refusal

    async def _models(self, caller: Caller, wanted: str, send: Send) -> None:
        plan = self._plan()
        allowed = plan.projects[caller.project].project.models
        listed = [
            {
                "id": model,
                "object": "model",
                "created": self._started_s,
                "owned_by": route.serving.partition("/")[0],
            }
            for model, route in plan.routes.items()
            if not allowed or model in allowed
        ]
        answer: dict[str, Any] = {"object": "list", "data": listed}
        if wanted:
            found = [model for model in listed if model["id"] == wanted]
            if not found:
                raise UnknownModel(wanted, nearest(wanted, tuple(str(m["id"]) for m in listed)))
            answer = found[0]
        await send_whole(send, 200, [(b"content-type", b"application/json")], orjson.dumps(answer))


def _must_be(method: str, allowed: str, path: str) -> None:
    if method != allowed:
        raise WrongMethod(path, allowed)

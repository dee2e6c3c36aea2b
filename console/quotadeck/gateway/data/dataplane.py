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
    ProjectNotOfKey,
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
        caller = None
        try:
            if self.draining:
                raise Draining
            headers = by_name(scope["headers"])
            arrival = _named(arrival, headers)
            _must_be_served(path, method)
            caller = self._keys().caller(headers, self._plan().projects)
            _seat(scope, caller)
            if path != _CHAT:
                return await self._models(caller, path.removeprefix(_MODELS).lstrip("/"), send)
        except Refusal as refusal:
            self._chat.tell(arrival, caller or _known_by(refusal), None, refusal)
            raise
        try:
            with self._bodies.of(caller.project) as held:
                counted = held.counting(receive)
                return await self._chat.answer(arrival, caller, headers, counted, send)
        except Refusal as refusal:
            refusal.project_id = caller.project
            raise

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


def _must_be_served(path: str, method: str) -> None:
    if path == _CHAT:
        allowed = "POST"
    elif path == _MODELS or path.startswith(_MODELS + "/"):
        allowed = "GET"
    else:
        raise NoSuchPath(path)
    if method != allowed:
        raise WrongMethod(path, allowed)


def _named(arrival: Arrival, headers: dict[bytes, bytes]) -> Arrival:
    """With the caller's own name for the request, where it sent one."""
    theirs = headers.get(b"x-client-request-id") or headers.get(b"x-request-id")
    if not theirs:
        return arrival
    name = clean(theirs.decode("utf-8", "replace"), MAX_REQUEST_ID)
    return replace(arrival, client_request_id=name)


def _known_by(refusal: Refusal) -> Caller | None:
    """Whose request it was, where its key tells although it does not let it in."""
    match refusal:
        case KeyRevoked(key_id=key_id, project=project):
            return Caller(key_id, project)
        case ProjectNotOfKey(key_id=key_id, projects=(project, *_)):
            return Caller(key_id, project)
    return None


def _seat(scope: dict[str, Any], caller: Caller) -> None:
    """From now on its connection is in use, and not a stranger's."""
    try:
        seat_of(scope).serve(caller.project)
    except OwnerCrowded as crowded:
        raise TooManyRequests(crowded.allowed, caller.project) from None
    except Crowded as crowded:
        raise TooManyRequests(crowded.places) from None

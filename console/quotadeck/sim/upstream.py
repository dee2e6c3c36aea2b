"""The simulated upstream: a server on a loopback port that speaks as OpenAI and Anthropic do."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from aiohttp import web

from quotadeck.sim.ask import parse_body
from quotadeck.sim.calllog import CallLog
from quotadeck.sim.catalogue import MODELS, Model
from quotadeck.sim.errors import (
    ANTHROPIC_PATHS,
    ApiError,
    RefusedError,
    bad_request,
    missing_key,
    unknown_model,
    wrong_key,
)
from quotadeck.sim.faults import KINDS
from quotadeck.sim.forms import FORMS
from quotadeck.sim.lifetime import Lifetime, say
from quotadeck.sim.limits import Limits
from quotadeck.sim.service import MARK, SERVICE, Service
from quotadeck.sim.serving import counting, serving

HOST = "127.0.0.1"
MAX_BODY_BYTES = 64 << 20
SHUTDOWN_S = 0.2
BACKLOG = 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class UpstreamOptions:
    """How the upstream is run; the names are those of the command line."""

    port: int = 0
    log: Path | None = None
    key: str | None = None
    seed: int = 0
    speed: float = 1.0
    enforce_limits: bool = False


async def run_upstream(options: UpstreamOptions, lifetime: Lifetime) -> int:
    """Serve until the lifetime ends; says where on stdout, once it can be reached."""
    log = CallLog(options.log)
    service = Service(
        seed=options.seed,
        speed=options.speed,
        key=options.key,
        log=log,
        limits=Limits(enforced=options.enforce_limits),
    )
    runner = web.AppRunner(build_app(service), access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, options.port, backlog=BACKLOG)
        await site.start()
        port = runner.addresses[0][1]
        say({"ready": True, "port": port, "base_url": f"http://{HOST}:{port}/v1"})
        await lifetime.ended.wait()
    finally:
        await runner.cleanup()
        log.close()
    return 0


def build_app(service: Service) -> web.Application:
    """The routes of the provider, and those that command the simulation."""
    app = web.Application(middlewares=[_answer], client_max_size=MAX_BODY_BYTES)
    app[SERVICE] = service
    app.add_routes(
        [
            *(web.post(form.path, serving(form)) for form in FORMS),
            *(web.post(form.counting, counting(form)) for form in FORMS if form.counting),
            web.get("/v1/models", _models),
            web.get("/v1/models/{id:.+}", _model),
            web.get("/healthz", _healthz),
            web.get("/sim/faults", _faults),
            web.post("/sim/faults", _put_fault),
            web.delete("/sim/faults", _clear_faults),
        ]
    )
    return app


@web.middleware
async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Mark, check the key, handle, and turn every refusal into the path's shape."""
    service = request.app[SERVICE]
    mark = request[MARK] = service.mark(request)
    try:
        if service.key is not None and request.path.startswith("/v1/"):
            _check_key(service.key, request)
        if request.path.startswith(ANTHROPIC_PATHS):
            _check_version(request)
        response = await handler(request)
    except RefusedError as refused:
        response = refused.error.response(request.path)
    except web.HTTPException as http:
        response = _shaped(request, http).response(request.path)
    if not response.prepared:
        mark.put_on(response)
    return response


def _shaped(request: web.Request, http: web.HTTPException) -> ApiError:
    words = {
        404: f"Invalid URL ({request.method} {request.path})",
        405: f"Not allowed to {request.method} on {request.path}.",
        413: "Request body too large.",
    }
    headers = {"Allow": http.headers["Allow"]} if "Allow" in http.headers else {}
    return ApiError(http.status, words.get(http.status, http.reason), headers=headers)


def _check_key(key: str, request: web.Request) -> None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    given = given.strip() if scheme.lower() == "bearer" else ""
    given = given or request.headers.get("x-api-key", "").strip()
    if not given:
        raise missing_key()
    if not hmac.compare_digest(given.encode(), key.encode()):
        raise wrong_key(given)


def _check_version(request: web.Request) -> None:
    if not request.headers.get("anthropic-version"):
        raise bad_request("anthropic-version: header is required")


async def _models(request: web.Request) -> web.Response:
    listed = [_listed(model, request) for model in MODELS.values()]
    if "anthropic-version" in request.headers:
        ends = {"first_id": listed[0]["id"], "last_id": listed[-1]["id"]}
        return _json({"data": listed, "has_more": False, **ends})
    return _json({"object": "list", "data": listed})


async def _model(request: web.Request) -> web.Response:
    model_id = request.match_info["id"]
    if model_id not in MODELS:
        raise unknown_model(model_id)
    return _json(_listed(MODELS[model_id], request))


def _listed(model: Model, request: web.Request) -> dict[str, object]:
    if "anthropic-version" in request.headers:
        since = datetime.fromtimestamp(model.created, UTC).isoformat()
        return {"type": "model", "id": model.id, "display_name": model.id, "created_at": since}
    return {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.owned_by,
    }


async def _healthz(_: web.Request) -> web.Response:
    return _json({"status": "ok"})


async def _faults(request: web.Request) -> web.Response:
    kinds = {name: {"says": says, "default": default} for name, (says, default) in KINDS.items()}
    return _json({"in_force": request.app[SERVICE].faults.describe(), "kinds": kinds})


async def _put_fault(request: web.Request) -> web.Response:
    board = request.app[SERVICE].faults
    board.put(parse_body(await request.read()))
    return _json({"in_force": board.describe()}, 201)


async def _clear_faults(request: web.Request) -> web.Response:
    request.app[SERVICE].faults.clear()
    return web.Response(status=204)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")

"""Faults that answer instead of the model, or before it."""

import asyncio
import time
import zlib
from collections.abc import Awaitable, Callable
from email.utils import formatdate

import orjson
from aiohttp import web

from quotadeck.sim.connection import reset
from quotadeck.sim.errors import INVALID_REQUEST, ApiError
from quotadeck.sim.faults.kind import Kind

Answer = Callable[[web.Request, float], Awaitable[web.StreamResponse | None]]
"""Takes the fault's value; None lets the call go on."""

BLANKS = b" " * (1 << 20)
GZIP_WBITS = 31
"""A gzip header, in zlib's own numbering."""
RATE_LIMITED = ApiError(
    429,
    "Rate limit reached for requests. Please try again later.",
    type="requests",
    code="rate_limit_exceeded",
)
STATUS_ERRORS = {
    error.status: error
    for error in (
        ApiError(400, "Invalid value for 'temperature'.", code="invalid_value"),
        ApiError(401, "Incorrect API key provided: sk-********.", code="invalid_api_key"),
        ApiError(
            403,
            "Country, region, or territory not supported.",
            type="request_forbidden",
            code="unsupported_country_region_territory",
        ),
        ApiError(404, "The model does not exist.", code="model_not_found"),
        ApiError(408, "Request timed out.", type="timeout"),
        RATE_LIMITED,
        ApiError(500, "The server had an error while processing your request.", "server_error"),
        ApiError(502, "Bad gateway.", "server_error"),
        ApiError(503, "The engine is currently overloaded.", "server_error"),
        ApiError(529, "Overloaded", "overloaded_error"),
    )
}
HOSTILE_TEXT = (
    "\x1b]52;c;cm0gLXJmIH4=\x07\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m \x9b31m "
    "\u202egnp.exe\u202c [@click=app.quit]press[/] \x00\x07\r\nX-Injected: yes\r\n"
)
"""Clipboard, title, clear screen, C1, bidi, markup and line ends: each has hurt a terminal."""


async def _status(request: web.Request, value: float) -> web.Response:
    status = int(value)
    kind = "server_error" if status >= 500 else INVALID_REQUEST
    error = STATUS_ERRORS.get(status, ApiError(status, f"Simulated {status}.", kind))
    return error.response(request.path)


async def _retry_after(request: web.Request, value: float) -> web.Response:
    return _limited(request, {"Retry-After": _plain(value)})


async def _retry_after_date(request: web.Request, value: float) -> web.Response:
    return _limited(request, {"Retry-After": formatdate(time.time() + value, usegmt=True)})


async def _retry_after_ms(request: web.Request, value: float) -> web.Response:
    return _limited(request, {"retry-after-ms": _plain(value)})


async def _quota(request: web.Request, value: float) -> web.Response:
    return ApiError(
        int(value),
        "You exceeded your current quota, please check your plan and billing details.",
        type="insufficient_quota",
        code="insufficient_quota",
    ).response(request.path)


async def _hostile(request: web.Request, value: float) -> web.Response:
    error = ApiError(int(value), HOSTILE_TEXT, HOSTILE_TEXT, code=HOSTILE_TEXT)
    return error.response(request.path)


async def _error_200(request: web.Request, value: float) -> web.Response:
    body = STATUS_ERRORS[500].payload(request.path)
    return web.Response(status=int(value), body=orjson.dumps(body), content_type="application/json")


async def _html(_: web.Request, value: float) -> web.Response:
    text = f"<html><head><title>{value:g}</title></head><body>nginx</body></html>\r\n"
    return web.Response(status=int(value), text=text, content_type="text/html")


async def _empty(_: web.Request, value: float) -> web.Response:
    return web.Response(status=int(value), content_type="application/json")


async def _refuse(request: web.Request, _: float) -> web.StreamResponse:
    reset(request)
    return web.Response()  # goes nowhere: there is no connection any more


async def _slow(_: web.Request, value: float) -> None:
    await asyncio.sleep(value)


async def _early_hints(request: web.Request, _: float) -> None:
    if request.transport is not None:
        request.transport.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")


async def _huge_body(request: web.Request, value: float) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"id":"chatcmpl-huge","object":"chat.completion","filler":"')
    for _ in range(int(value)):
        await response.write(BLANKS)
        await asyncio.sleep(0)
    await response.write(b'"}')
    return response


async def _gzip_bomb(_: web.Request, value: float) -> web.Response:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    body = await asyncio.to_thread(_bomb, int(value))
    return web.Response(body=body, headers=headers)


def _bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(1, wbits=GZIP_WBITS)
    packed = [packer.compress(b"{"), *(packer.compress(BLANKS) for _ in range(megabytes))]
    return b"".join([*packed, packer.compress(b"}"), packer.flush()])


def _plain(value: float) -> str:
    return str(int(value)) if value.is_integer() else str(value)


def _limited(request: web.Request, headers: dict[str, str]) -> web.Response:
    response = RATE_LIMITED.response(request.path)
    response.headers.update(headers)
    return response


ANSWERS: dict[str, Kind[Answer]] = {
    "status": Kind(_status, "this status with the form's error body (429: no Retry-After)", 500),
    "retry-after": Kind(_retry_after, "429 with Retry-After in seconds", 1),
    "retry-after-date": Kind(_retry_after_date, "429 with an HTTP-date so many seconds ahead", 2),
    "retry-after-ms": Kind(_retry_after_ms, "429 with retry-after-ms", 50),
    "insufficient-quota": Kind(_quota, "the provider's account is empty (a status)", 429),
    "hostile": Kind(_hostile, "this status, its words full of escape sequences", 500),
    "error-200": Kind(_error_200, "200 (or this status) with an error body", 200),
    "html": Kind(_html, "this status with a proxy's HTML page", 502),
    "empty": Kind(_empty, "this status with an empty body", 200),
    "refuse": Kind(_refuse, "the connection is reset before any header"),
    "slow": Kind(_slow, "so many seconds before the headers", 1),
    "early-hints": Kind(_early_hints, "103 Early Hints before the real headers"),
    "huge-body": Kind(_huge_body, "a JSON body of so many megabytes", 200),
    "gzip-bomb": Kind(_gzip_bomb, "a body that unpacks to so many megabytes", 200),
}

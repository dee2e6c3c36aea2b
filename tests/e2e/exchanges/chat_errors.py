"""Upstreams' errors in every shape: as a status, as the first event, in the middle of a stream."""

from typing import Any, Final

import orjson

from tests.e2e.exchanges.case import Case, Fails, Plays, Whole, data, http, json, sse
from tests.e2e.exchanges.chat import BEGIN, DONE, FINISH, STREAM, USED, choice, chunk, says

_RATE, _BAD, _SERVER = "rate_limit", "invalid_request_error", "server_error"

SHAPES: Final[dict[str, Any]] = {
    "object": {"error": {"message": "W", "type": "server_error"}},
    "text": {"error": "W"},
    "vllm": {"object": "error", "message": "W", "type": "ServerError", "code": 500},
    "anthropic": {"type": "error", "error": {"type": "api_error", "message": "W"}},
    "detail": {"detail": "W"},
    "detail list": {"detail": [{"loc": ["body"], "msg": "W", "type": "value_error"}]},
    "detail object": {"detail": {"error": {"message": "W"}}},
    "message": {"message": "W"},
    "list": [{"error": {"message": "W", "status": "UNAVAILABLE"}}],
    "errors": {"errors": [{"message": "W"}]},
    "msg": {"code": 1302, "msg": "W"},
    "portkey": {"status": "failure", "message": "W"},
    "problem": {"type": "about:blank", "title": "Busy", "status": 500, "detail": "W"},
    "nested": {"error": {"error": {"message": "W"}}},
    "success false": {"success": False, "error": {"message": "W"}},
}
"""Each says ``W``."""

_OUR_KEY: Final = "the gateway's key"
_FIRST: Final[dict[str, tuple[Any, int, str]]] = {
    "429 as code": ({"error": {"message": "W", "code": 429}}, 429, _RATE),
    "429 as text": ({"error": {"message": "W", "code": "429"}}, 429, _RATE),
    "429 as status": ({"error": {"message": "W", "status": 429}}, 429, _RATE),
    "429 as status code": ({"error": {"message": "W", "status_code": 429}}, 429, _RATE),
    "429 beside": ({"error": {"message": "W"}, "code": 429}, 429, _RATE),
    "429 beside, as status": ({"error": "W", "status": 429}, 429, _RATE),
    "429 by type": ({"error": {"message": "W", "type": "rate_limit_error"}}, 429, _RATE),
    "429 by code": ({"error": {"message": "W", "code": "rate_limit_exceeded"}}, 429, ""),
    "429 by quota": ({"error": {"message": "W", "type": "insufficient_quota"}}, 429, "insuff"),
    "429 of google": ({"error": {"message": "W", "status": "RESOURCE_EXHAUSTED"}}, 429, ""),
    "429 in a list": ([{"error": {"message": "W", "code": 429}}], 429, _RATE),
    "429 of vllm": ({"object": "error", "message": "W", "code": 429}, 429, _RATE),
    "400 as code": ({"error": {"message": "W", "code": 400}}, 400, _BAD),
    "400 of vllm": (
        {"object": "error", "message": "W", "type": "BadRequestError", "code": 400},
        400,
        "",
    ),
    "400 by type": ({"error": {"message": "W", "type": "invalid_request_error"}}, 400, _BAD),
    "413 as code": ({"error": {"message": "W", "code": 413}}, 413, ""),
    "500 as code": ({"error": {"message": "W", "code": 500}}, 500, _SERVER),
    "502 beside no choices": ({"choices": [], "error": {"code": 502, "message": "W"}}, 502, ""),
    "503 as code": ({"error": {"message": "W", "code": 503}}, 503, ""),
    "529 by type": (
        {"type": "error", "error": {"type": "overloaded_error", "message": "W"}},
        529,
        "",
    ),
    "529 as code": ({"error": {"message": "W", "code": 529}}, 529, ""),
    "a code of its own": ({"error": {"message": "W", "code": 1302}}, 502, ""),
    "a success as code": ({"error": {"message": "W", "code": 200}}, 502, ""),
    "no code": ({"error": {"message": "W"}}, 502, ""),
    "only text": ({"error": "W"}, 502, ""),
    _OUR_KEY: ({"error": {"message": "W", "code": 401}}, 502, ""),
}
"""What the first event is, and the status and type that follow from it."""


def _with(value: Any, words: str) -> Any:
    return orjson.loads(orjson.dumps(value).replace(b'"W"', orjson.dumps(words)))


def _outcome(status: int) -> str:
    return "client_error" if status in (400, 413) else "upstream_error"


def _first(name: str, value: Any, status: int, kind: str) -> list[Case]:
    told = _with(value, f"words of {name}")
    # What is said of our own key may quote it, and is no business of the client.
    words = "the gateway's own key" if name == _OUR_KEY else f"words of {name}"
    fails = Fails(words, status, kind, _outcome(status))
    return [
        Case(f"first, {name}", sse(data(told)), fails),
        Case(f"first, {name}, as json", json(told), fails),
        Case(f"first, {name}, whole", json(told), fails, stream=False),
    ]


def _framed(name: str, plays: Plays) -> Case:
    return Case(f"first, {name}", plays, Fails("too fast", 429, _RATE))


_TOO_FAST: Final = {"error": {"message": "too fast", "code": 429}}
_ERROR: Final = data(_TOO_FAST)
_BROKE: Final = {"code": "server_error", "message": "disconnected"}

FIRST: Final[tuple[Case, ...]] = (
    *(case for name, row in _FIRST.items() for case in _first(name, *row)),
    _framed("then the end", sse(_ERROR, DONE)),
    _framed("after comments", sse(b": PROCESSING\n\n" * 2, _ERROR)),
    _framed("bom, crlf", sse(b"\xef\xbb\xbf", _ERROR.replace(b"\n", b"\r\n"))),
    _framed("named", sse(data(_TOO_FAST, "event: error\n"))),
    _framed("numbered", sse(data(_TOO_FAST, "id: 1\n"))),
    _framed("no empty line", sse(_ERROR.rstrip())),
    _framed("called json", sse(_ERROR, kind="application/json")),
    _framed("json called a stream", http(orjson.dumps(_TOO_FAST), "text/event-stream")),
    Case(
        "first, a name and text",
        sse(b"event: error\ndata: overloaded, come back\n\n"),
        Fails("overloaded, come back", 502),
    ),
)

_MIDDLE: Final[dict[str, Plays]] = {
    **{
        f"in the stream, {name}": sse(BEGIN, data(_with(value, "disconnected")), DONE)
        for name, value in SHAPES.items()
    },
    "beside choices": sse(
        BEGIN, data(chunk([choice({"content": ""}, "error")], error=_BROKE)), DONE
    ),
    "beside text": sse(BEGIN, data(says("x", error=_BROKE)), DONE),
    "beside no choices": sse(BEGIN, data(chunk([], error=_BROKE)), DONE),
    "in a choice": sse(BEGIN, data(chunk([choice({}, "error", error=_BROKE)])), DONE),
    "named": sse(BEGIN, data({"error": _BROKE}, "event: error\n")),
    "named, bare": sse(BEGIN, data(_BROKE, "event: error\n")),
    "named, text": sse(BEGIN, b"event: error\ndata: disconnected\n\n"),
    "crlf": sse((BEGIN + data({"error": _BROKE}, "event: error\n")).replace(b"\n", b"\r\n")),
    "after the finish": sse(BEGIN, FINISH, data({"error": _BROKE}), DONE),
    "after usage": sse(BEGIN, FINISH, USED, data({"error": _BROKE}), DONE),
}

_ERROR_TEXTS: Final = {
    "html": ("<html><body><h1>502 Bad Gateway</h1>nginx</body></html>", "text/html", "nginx"),
    "text": ("upstream connect error, reset", "text/plain", "upstream connect error"),
    "not json": ('{"error": "half', "application/json", "half"),
    "json text": ('"the backend is away"', "application/json", "the backend is away"),
}


def _status(shape: str, value: Any, status: int, reason: str, kind: str) -> Case:
    return Case(
        f"{status}, {shape}",
        json(_with(value, f"words of {shape}"), f"{status} {reason}"),
        Fails(f"words of {shape}", status, kind, _outcome(status)),
        stream=False,
    )


MIDDLE: Final[tuple[Case, ...]] = tuple(
    Case(f"error, {name}", plays, Fails("disconnected")) for name, plays in _MIDDLE.items()
)
STATUSES: Final[tuple[Case, ...]] = (
    *(_status(shape, value, 429, "Too Many", "") for shape, value in SHAPES.items()),
    *(_status(shape, value, 503, "Busy", "") for shape, value in SHAPES.items()),
    *(_status(shape, value, 400, "Bad", "") for shape, value in SHAPES.items()),
    *(
        Case(f"502, {name}", http(text.encode(), kind, "502 Bad"), Fails(words, 502), False)
        for name, (text, kind, words) in _ERROR_TEXTS.items()
    ),
    *(
        Case(f"{status}, empty", http(b"", "", f"{status} Odd"), Fails(str(status), status), stream)
        for status, stream in ((502, False), (503, True), (429, False), (500, True))
    ),
    Case("529, anthropic", json(SHAPES["anthropic"], "529 Busy"), Fails("W", 529), False),
    Case("529, to a stream", json(SHAPES["object"], "529 Busy"), Fails("W", 529)),
    Case("429, bare detail", json({"detail": "60 rpm"}, "429 No"), Fails("60 rpm", 429, _RATE)),
    Case(
        "404, no route", json({"message": "No such route"}, "404 No"), Fails("No such", 404), False
    ),
    Case("200, empty", http(b""), Fails("", 502, outcome=""), False),
    Case("204", lambda _: b"HTTP/1.1 204 No\r\n\r\n", Fails("", 502, outcome=""), False),
)


def _needs(words: Any, status: str) -> Plays:
    refused, taken = json(words, status), sse(STREAM.replace(USED, b""))
    return lambda body: (refused if b"stream_options" in body else taken)(body)


_FORBIDDEN: Final = {
    "422": ({"error": {"message": "Extra inputs are not permitted: stream_options"}}, "422 No"),
    "400": ({"error": {"message": "Unrecognized argument: stream_options"}}, "400 Bad"),
    "400 by param": ({"error": {"message": "Unknown", "param": "stream_options"}}, "400 Bad"),
    "422 of fastapi": (
        {"detail": [{"loc": ["body", "stream_options"], "msg": "extra fields not permitted"}]},
        "422 No",
    ),
}
STREAM_OPTIONS: Final[tuple[Case, ...]] = (
    *(
        Case(f"no stream_options, {name}", _needs(*row), Whole(used=None))
        for name, row in _FORBIDDEN.items()
    ),
    Case(
        "another 400",
        json({"error": {"message": "temperature is too high"}}, "400 Bad"),
        Fails("temperature", 400, outcome="client_error"),
    ),
)
"""Upstreams that refuse to be asked for usage: asked once more without."""

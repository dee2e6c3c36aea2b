"""Chat streams that are framed in each lawful way, and in some that are only usual."""

from typing import Final

import orjson

from tests.e2e.exchanges.case import Case, Fails, Plays, Used, Whole, data, http, json, sse
from tests.e2e.exchanges.chat import (
    ANSWER,
    BEGIN,
    DONE,
    FINISH,
    HI,
    ROLE,
    STREAM,
    USAGE,
    USED,
    choice,
    chunk,
    reply,
    says,
    usage,
)  # fmt: skip

_BOM: Final = b"\xef\xbb\xbf"
_EVENTS: Final = STREAM.split(b"\n\n")[:-1]


def _numbered(between: bytes = b"") -> bytes:
    return between.join(b"id: %d\n%b\n\n" % (at, event) for at, event in enumerate(_EVENTS))


def _before_each(lines: bytes) -> bytes:
    return b"".join(lines + event + b"\n\n" for event in _EVENTS)


def _chunked(*parts: bytes, whole: bool = True) -> Plays:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked"
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    sent = head + b"\r\nconnection: close\r\n\r\n" + body + (b"0\r\n\r\n" if whole else b"")
    return lambda _: sent


_INFINITE: Final = orjson.dumps(says("hi", x="@")).replace(b'"@"', b"[-Infinity,NaN]")
_FILTERED: Final = data({"choices": [], "id": "", "model": "", "prompt_filter_results": []})
_PING: Final = b": keep-alive\n\n"

LAWFUL: Final[dict[str, Plays]] = {
    "numbered": sse(_numbered()),
    "numbered, comments between": sse(_numbered(b": ping\n\n")),
    "numbered, comment in the block": sse(_before_each(b": ping\nid: 7\n")),
    "an id alone first": sse(b"id: 1\n\n", STREAM),
    "retry first": sse(b"retry: 3000\n\n", STREAM),
    "retry in the first event": sse(b"retry: 3000\n", STREAM),
    "comments first": sse(b": PROCESSING\n\n" * 3, STREAM),
    "bare colons": sse(b":\n\n", BEGIN, b":\n\n:\n\n", FINISH, USED, b":\n\n", DONE),
    "comments between": sse(ROLE, _PING, HI, _PING, FINISH, _PING, USED, _PING, DONE),
    "comment after the end": sse(STREAM, _PING),
    "comment in data": sse(b"data: : keepalive\n\n", BEGIN, b"data: : x\n\n", FINISH, USED, DONE),
    "empty data": sse(b"data:\n\n", BEGIN, b"data: \n\n", FINISH, USED, DONE),
    "empty blocks": sse(b"\n\n", ROLE, b"\n\n\n", HI, FINISH, b"\n", USED, b"\n", DONE),
    "named message": sse(_before_each(b"event: message\n")),
    "named chunk": sse(_before_each(b"event: chat.completion.chunk\n")),
    "an unknown field": sse(_before_each(b"x-field: 1\n")),
    "no space": sse(STREAM.replace(b"data: ", b"data:")),
    "no space, numbered": sse(_numbered().replace(b": ", b":", 99)),
    "crlf": sse(STREAM.replace(b"\n", b"\r\n")),
    "crlf, numbered": sse(_numbered().replace(b"\n", b"\r\n")),
    "crlf with comments": sse(
        (_PING + BEGIN + _PING + FINISH + USED + DONE).replace(b"\n", b"\r\n")
    ),
    "cr": sse(STREAM.replace(b"\n", b"\r")),
    "mixed line ends": sse(BEGIN, FINISH.replace(b"\n", b"\r\n"), USED, DONE),
    "bom": sse(_BOM, STREAM),
    "bom, crlf": sse(_BOM, STREAM.replace(b"\n", b"\r\n")),
    "bom, comment": sse(_BOM, _PING, STREAM),
    "bom, numbered": sse(_BOM, _numbered()),
    "bom in pieces": _chunked(_BOM[:1], _BOM[1:], STREAM),
    "a byte a chunk": _chunked(*(STREAM[at : at + 1] for at in range(len(STREAM)))),
    "cut after the end": _chunked(STREAM, whole=False),
    "upper case type": sse(STREAM, kind="Text/Event-Stream; Charset=UTF-8"),
    "no type": sse(STREAM, kind=""),
    "called json": sse(STREAM, kind="application/json"),
    "called text": sse(STREAM, kind="text/plain; charset=utf-8"),
    "filter results first": sse(_FILTERED, STREAM),
    "filter results last": sse(ANSWER, USED, _FILTERED, DONE),
    "no end": sse(ANSWER, USED),
    "no end, with a length": http(ANSWER + USED, "text/event-stream"),
    "no end, usage first": sse(BEGIN, USED, FINISH),
    "no end, usage beside finish": sse(BEGIN, data(chunk([choice({}, "stop")], usage=USAGE))),
    "no end, comment last": sse(ANSWER, USED, _PING),
    "no empty line at the end": sse(ANSWER, USED, DONE.rstrip()),
    "no empty line, no end": sse(ANSWER, USED.rstrip()),
    "spaces behind the end": sse(ANSWER, USED, b"data: [DONE]  \n\n"),
    "the end twice": sse(STREAM, DONE),
    "more after the end": sse(STREAM, HI),
    "no finish": sse(BEGIN, USED, DONE),
    "error is null": sse(ROLE, data(says("hi", error=None)), FINISH, USED, DONE),
    "usage null until": sse(ROLE, data(says("hi", usage=None)), FINISH, USED, DONE),
    "a whole json": json(reply()),
    "a whole json without type": http(orjson.dumps(reply()), ""),
    "a whole json, bom": http(_BOM + orjson.dumps(reply())),
    "a whole json, called a stream": http(orjson.dumps(reply()), "text/event-stream"),
    "a whole json, 201": json(reply(), "201 Created"),
}
"""Each says ``hi``, and has used the usual."""

FRAMING: Final[tuple[Case, ...]] = (
    *(Case(name, plays, Whole()) for name, plays in LAWFUL.items()),
    Case(
        "infinite logprob",
        sse(ROLE, b"data: " + _INFINITE + b"\n\n", FINISH, USED, DONE),
        Whole(),
    ),
    Case(
        "data on two lines",
        sse(ROLE, HI.replace(b',"choices"', b',\ndata: "choices"'), FINISH, USED, DONE),
        Whole(),
    ),
    Case("finish, but no usage, no end", sse(ANSWER), Whole(used=None)),
    Case(
        "two choices",
        sse(
            data(chunk([choice({"content": "hi"}), choice({"content": "ho"}, index=1)])),
            data(chunk([choice({}, "stop")])),
            data(chunk([choice({}, "length", 1)])),
            USED,
        ),
        Whole("hiho", choices=2),
    ),
    Case(
        "two choices, one unfinished",
        sse(
            data(chunk([choice({"content": "hi"})])),
            data(chunk([choice({"content": "ho"}, index=1)])),
            data(chunk([choice({}, "stop")])),
            USED,
        ),
        Fails("ended early"),
    ),
    Case("cut before the finish", sse(BEGIN), Fails("ended early")),
    Case("nothing at all", sse(), Fails("", 502)),
    Case("only comments", sse(_PING, _PING), Fails("", 502)),
    Case("an event that is cut", sse(BEGIN, b'data: {"choices": [{'), Fails("ended early")),
    Case(
        "an event that is not json", sse(BEGIN, b'data: {"a\n\n', FINISH, DONE), Fails("not JSON")
    ),
    Case("201, whole", json(reply(), "201 Created"), Whole(), stream=False),
    Case("202, whole", json(reply(), "202 Accepted"), Whole(), stream=False),
    Case("bom, whole", http(_BOM + orjson.dumps(reply())), Whole(), stream=False),
    Case(
        "white space around",
        http(b"\n \r\n" + orjson.dumps(reply()) + b"\n"),
        Whole(),
        stream=False,
    ),
    Case("whole, called text", http(orjson.dumps(reply()), "text/plain"), Whole(), stream=False),
    Case(
        "infinite in a whole",
        http(orjson.dumps(reply(logprobs="@")).replace(b'"@"', b"-Infinity")),
        Whole(holds=b"-Infinity"),
        stream=False,
    ),
    Case(
        "nan in a whole",
        http(orjson.dumps(reply(score="@")).replace(b'"@"', b"NaN")),
        Whole(holds=b"NaN"),
        stream=False,
    ),
)


def _tool(index: int, **more: object) -> dict[str, object]:
    return chunk([choice({"tool_calls": [{"index": index, **more}]})])


_CALL: Final = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "f", "arguments": '{"a":1}'},
}
_CALLS: Final = (
    ROLE
    + data(_tool(0, id="call_1", type="function", function={"name": "f", "arguments": ""}))
    + data(_tool(0, function={"arguments": '{"a"'}))
    + data(_tool(0, function={"arguments": ":1}"}))
    + data(chunk([choice({}, "tool_calls")]))
)
_TWO: Final = {
    "choices": [
        {"index": at, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for at, text in enumerate(("hi", "ho"))
    ]
}

TURNED: Final[tuple[Case, ...]] = (
    *(
        Case(f"{name}, to json", plays, Whole(), stream=False)
        for name, plays in {
            "a stream": sse(STREAM),
            "a stream, crlf, bom": sse(_BOM, STREAM.replace(b"\n", b"\r\n")),
            "a stream, numbered": sse(_numbered(b": ping\n\n")),
            "a stream without end": sse(ANSWER, USED),
            "a stream called json": sse(STREAM, kind="application/json"),
            "a stream, usage in a choice": sse(
                BEGIN, data(chunk([choice({}, "stop", usage=USAGE)])), DONE
            ),
        }.items()
    ),
    Case("a stream without usage, to json", sse(ANSWER, DONE), Whole(used=None), stream=False),
    Case("a stream of calls, to json", sse(_CALLS, USED, DONE), Whole("", calls='{"a":1}'), False),
    Case(
        "a stream of two choices, to json",
        sse(
            data(chunk([choice({"content": "h"}), choice({"content": "ho"}, index=1)])),
            data(chunk([choice({"content": "i"})])),
            data(chunk([choice({}, "stop"), choice({}, "stop", 1)])),
            data(chunk([], usage=usage(10, 4))),
            DONE,
        ),
        Whole("hiho", Used(10, 4), choices=2),
        stream=False,
    ),
    Case("a cut stream, to json", sse(BEGIN), Fails("ended early", 502, outcome=""), stream=False),
    Case(
        "a stream with an error, to json",
        sse(BEGIN, data({"error": {"message": "overloaded"}})),
        Fails("overloaded", 502),
        stream=False,
    ),
    Case(
        "a stream that is an error, to json",
        sse(data({"error": {"message": "too fast", "code": 429}})),
        Fails("too fast", 429, "rate_limit"),
        stream=False,
    ),
    Case(
        "a whole json with calls",
        json(reply(message={"role": "assistant", "content": None, "tool_calls": [_CALL]})),
        Whole("", calls='{"a":1}'),
    ),
    Case("a whole json of two choices", json(reply(**_TWO)), Whole("hiho", choices=2)),
    Case("a whole json without usage", json(reply({})), Whole(used=None)),
    Case("a stream of calls", sse(_CALLS, USED, DONE), Whole("", calls='{"a":1}')),
)
"""JSON to who asked for a stream, and a stream to who did not."""

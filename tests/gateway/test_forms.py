"""Each form of OpenAI's API through the data plane: its way, its size, its bill."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import brotli
import httpx
import openai
import orjson
import pytest

from quotadeck.dialects.registry import DIALECTS
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.refusals import BadField
from quotadeck.domain.usage import Usage
from tests.gateway.chats import nothing_is_held
from tests.gateway.provider import Asked, Peer, Script, always, provider
from tests.gateway.rig import SECRET, Rig, rig
from tests.gateway.serving import asked_over_http
from tests.gateway.values import CHAT, UPSTREAM, body, catalogue

COMPLETIONS, EMBEDDINGS = "/v1/completions", "/v1/embeddings"
TOKENS = {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}
SAID = {"id": "cmpl-1", "object": "text_completion", "model": "m"}


@asynccontextmanager
async def between(directory: Path, script: Script) -> AsyncIterator[tuple[Rig, httpx.AsyncClient]]:
    async with provider(script) as upstream:
        there = replace(UPSTREAM, base_url=f"http://127.0.0.1:{upstream.port}/v1", timeout_s=5.0)
        of = replace(catalogue(), upstreams={"main": there})
        async with rig(directory, of, DIALECTS) as it, asked_over_http(it.app) as http:
            yield it, http


def answers(
    what: object, asked: list[Asked] | None = None, kind: str = "application/json"
) -> Script:
    data = what if isinstance(what, bytes) else orjson.dumps(what)

    async def answer(peer: Peer) -> None:
        await peer.answer(data, "200 OK", f"Content-Type: {kind}")

    return always(answer, asked)


@asynccontextmanager
async def sdk(http: httpx.AsyncClient) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=str(http.base_url.join("/v1")), api_key=SECRET, max_retries=0
    ) as it:
        yield it


def event(**more: object) -> bytes:
    return b"data: " + orjson.dumps({**SAID, **more}) + b"\n\n"


async def test_completion_is_answered_and_billed(tmp_path: Path, small_ballast: None) -> None:
    said = {**SAID, "choices": [{"index": 0, "text": "abc", "finish_reason": "stop"}]}
    asked: list[Asked] = []
    async with (
        between(tmp_path, answers({**said, "usage": TOKENS}, asked)) as (it, http),
        sdk(http) as client,
    ):
        reply = await client.completions.create(model="opus", prompt="Say abc", max_tokens=40)
        assert reply.choices[0].text == "abc"
        assert asked[0].line == "POST /v1/completions HTTP/1.1"
        call = await it.call()
        assert (call.outcome, call.usage, call.model) == (Outcome.OK, Usage(12, 0, 34), "opus")
        await nothing_is_held(it, call.cost_nano_usd)


async def test_streamed_completion_is_answered_and_billed_alike(
    tmp_path: Path, small_ballast: None
) -> None:
    stream = b"".join(event(choices=[{"index": 0, "text": part}]) for part in "abc")
    stream += event(choices=[{"index": 0, "text": "", "finish_reason": "stop"}])
    stream += event(choices=[], usage=TOKENS) + b"data: [DONE]\n\n"
    asked: list[Asked] = []
    script = answers(stream, asked, "text/event-stream")
    async with between(tmp_path, script) as (it, http), sdk(http) as client:
        parts = await client.completions.create(model="opus", prompt=["a", "b"], stream=True)
        assert "".join([part.choices[0].text async for part in parts]) == "abc"
        assert orjson.loads(asked[0].body)["stream_options"] == {"include_usage": True}
        call = await it.call()
        assert (call.outcome, call.usage) == (Outcome.OK, Usage(12, 0, 34))
        await nothing_is_held(it, call.cost_nano_usd)


async def test_embeddings_have_an_input_and_no_output(tmp_path: Path, small_ballast: None) -> None:
    said = {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
        "usage": {"prompt_tokens": 12, "total_tokens": 12},
    }
    async with between(tmp_path, answers(said)) as (it, http), sdk(http) as client:
        reply = await client.embeddings.create(
            model="opus", input=["one", "two"], encoding_format="float"
        )
        assert reply.data[0].embedding == [0.1, 0.2]
        call = await it.call()
        assert (call.outcome, call.usage) == (Outcome.OK, Usage(12))
        assert call.estimated_output == 0
        await nothing_is_held(it, call.cost_nano_usd)


@pytest.mark.parametrize(
    ("path", "fields", "field"),
    [
        (COMPLETIONS, {"model": "opus"}, "prompt"),
        (COMPLETIONS, {"model": "opus", "prompt": []}, "prompt"),
        (COMPLETIONS, {"model": "opus", "prompt": ["a", 7]}, "prompt[1]"),
        (COMPLETIONS, {"model": "opus", "prompt": "a", "best_of": 0}, "best_of"),
        (EMBEDDINGS, {"model": "opus"}, "input"),
        (EMBEDDINGS, {"model": "opus", "input": {}}, "input"),
        (EMBEDDINGS, {"model": "opus", "input": ["a"] * 2_049}, "input"),
    ],
)
def test_wrong_field_is_named(path: str, fields: dict[str, Any], field: str) -> None:
    dialect = next(one for one in DIALECTS if path in one.endpoints)
    with pytest.raises(BadField) as refused:
        dialect.parse(path, orjson.dumps(fields), {})
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("fields", "choices", "most"),
    [
        ({"prompt": "a"}, 1, 16),
        ({"prompt": [1, 2, 3]}, 1, 16),
        ({"prompt": ["a", "b"], "n": 3, "best_of": 5, "max_tokens": 7}, 10, 7),
        ({"prompt": [[1], [2]], "n": 3}, 6, 16),
        ({"prompt": "a", "max_tokens": -1}, 1, None),
    ],
)
def test_completions_are_as_many_as_are_written(
    fields: dict[str, Any], choices: int, most: int | None
) -> None:
    dialect = next(one for one in DIALECTS if one.form == "completions")
    asked = dialect.parse(COMPLETIONS, orjson.dumps({"model": "opus", **fields}), {})
    assert (asked.choices, asked.max_tokens) == (choices, most)


@pytest.mark.parametrize("path", ["/chat/completions", CHAT])
async def test_packed_request_is_taken_unpacked(
    tmp_path: Path, small_ballast: None, path: str
) -> None:
    said = {"id": "1", "choices": [{"message": {"content": "hi"}}], "usage": TOKENS}
    asked: list[Asked] = []
    async with between(tmp_path, answers(said, asked)) as (_, http):
        headers = {"content-encoding": "br"}
        reply = await http.post(path, content=brotli.compress(body()), headers=headers)
        assert reply.status_code == 200
        [sent] = asked
        assert sent.body == body().replace(b'"opus"', b'"opus-4.7"')
        assert "content-encoding" not in sent.headers
        reply = await http.post(path, content=body(), headers={"content-encoding": "compress"})
        assert (reply.status_code, reply.json()["error"]["code"]) == (415, "unsupported_encoding")
        reply = await http.post(path, content=b"br?", headers=headers)
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_encoding")


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("//v1/chat/completions", CHAT),
        ("/v1//chat/completions/", CHAT),
        ("/completions", COMPLETIONS),
        ("/V1/embeddings", EMBEDDINGS),
    ],
)
async def test_path_that_is_nearly_one_is_told_the_right_one(
    tmp_path: Path, small_ballast: None, path: str, meant: str
) -> None:
    async with between(tmp_path, answers({})) as (it, http):
        reply = await http.send(
            http.build_request("POST", f"http://{http.base_url.netloc.decode()}{path}", content=b"")
        )
        assert reply.status_code == 404
        assert f"Did you mean {meant}?" in reply.json()["error"]["message"]
        assert it.refused[-1].cause is Cause.WRONG_PATH


async def test_head_of_the_listing_is_that_of_the_listing(
    tmp_path: Path, small_ballast: None
) -> None:
    async with between(tmp_path, answers({})) as (_, http):
        listed, head = await http.get("/v1/models"), await http.head("/v1/models")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == listed.headers["content-length"]
        assert (await http.head("/v1/models/gone")).status_code == 404

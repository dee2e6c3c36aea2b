"""A second dialect through the whole data plane: what is OpenAI's of it would be seen here.

The toy speaks lines of ``name=value`` and streams of ``+`` and ``=``, on both sides of the gateway:
our own server, and an upstream that knows nothing else.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from quotadeck.dialects.openai import OPENAI
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Field
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data import quota
from tests.dialects.toy import TOY
from tests.gateway.chats import ANALYTICS, COST, SHORT, completion, nothing_is_held
from tests.gateway.provider import Asked, Peer, Script, always, provider
from tests.gateway.rig import Rig, rig
from tests.gateway.serving import asked_over_http
from tests.gateway.values import CHAT, OPUS, UPSTREAM, catalogue, entry

SAY = "/toy/say"
ASK = b"talk=opus\nmost=50\nsays=hi\n"
LIVE = b"talk=opus\nmost=50\nlive=yes\nsays=hi\n"
SAID = b"ref=id-1\ntook=12\ngave=34\nsaid=abc\n"
LINES = b"ref id-1\n+ a\n+ b\n= 12 34\n"
COST_USD = "0.000296"


@asynccontextmanager
async def between(directory: Path, script: Script) -> AsyncIterator[tuple[Rig, httpx.AsyncClient]]:
    """A gateway that speaks both, before an upstream with this script, and a client of it."""
    async with provider(script) as upstream:
        there = replace(UPSTREAM, base_url=f"http://127.0.0.1:{upstream.port}/v1", timeout_s=5.0)
        of = replace(catalogue(), upstreams={"main": there})
        async with rig(directory, of, (OPENAI, TOY)) as it, asked_over_http(it.app) as http:
            yield it, http


def answers(body: bytes, status: str = "200 OK", asked: list[Asked] | None = None) -> Script:
    async def answer(peer: Peer) -> None:
        await peer.answer(body, status)

    return always(answer, asked)


def lines_of(reply: httpx.Response) -> dict[str, str]:
    """A toy's reply; nothing of another dialect is in it."""
    assert reply.headers["content-type"] == "text/x-toy"
    assert not [name for name in reply.headers if name.startswith(("x-ratelimit", "openai"))]
    return dict(line.split("=", 1) for line in reply.text.splitlines())


async def test_whole_reply_passes_and_is_charged(tmp_path: Path, small_ballast: None) -> None:
    asked: list[Asked] = []
    async with between(tmp_path, answers(SAID, asked=asked)) as (it, http):
        reply = await http.post(SAY, content=ASK)
        assert (reply.status_code, reply.content) == (200, SAID)
        assert lines_of(reply)["said"] == "abc"
        assert (reply.headers["x-cost-usd"], reply.headers["x-served-model"]) == (COST_USD, OPUS)
        assert reply.headers["x-toy-left"] == "9, 59954"
        [sent] = asked
        assert sent.line == "POST /v1/say HTTP/1.1"
        assert sent.body == ASK.replace(b"opus", b"opus-4.7")
        assert sent.headers["x-toy-pass"] == "sk-upstream"
        assert "authorization" not in sent.headers
        assert sent.headers["content-type"] == "text/x-toy"
        call = await it.call()
        assert (call.outcome, call.cause, call.response_id) == (Outcome.OK, Cause.NONE, "id-1")
        assert (call.usage, call.cost_nano_usd, call.model) == (Usage(12, 0, 34), COST, "opus")
        await nothing_is_held(it, COST)


async def test_stream_passes_and_is_charged_as_the_whole_one(
    tmp_path: Path, small_ballast: None
) -> None:
    async with between(tmp_path, answers(LINES + b".\n")) as (it, http):
        reply = await http.post(SAY, content=LIVE)
        assert reply.status_code == 200
        assert reply.headers["content-type"] == "text/x-toy-lines"
        assert reply.content == LINES + b"$ %b\n.\n" % COST_USD.encode()
        call = await it.call()
        assert (call.outcome, call.stream, call.response_id) == (Outcome.OK, True, "id-1")
        assert (call.usage, call.cost_nano_usd) == (Usage(12, 0, 34), COST)
        await nothing_is_held(it, COST)


async def test_limit_refuses_in_its_own_words_and_once_it_is_let_in_for_both(
    tmp_path: Path, small_ballast: None
) -> None:
    """One budget, one rate: who speaks another dialect is no other project."""
    async with between(tmp_path, answers(SAID)) as (it, http):
        it.command(entry(1, ANALYTICS, Field.RPM, 6))
        assert (await http.post(SAY, content=ASK)).status_code == 200
        for path, data in ((SAY, ASK), (CHAT, SHORT)):
            reply = await http.post(path, content=data)
            assert (reply.status_code, reply.headers["retry-after"]) == (429, "10")
            assert reply.headers["x-project-id"] == "analytics"
            if path == SAY:
                assert lines_of(reply)["no"] == "LimitReached"
            else:
                assert reply.json()["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize(
    ("data", "headers", "status", "kind"),
    [
        (b"most=5\nsays=hi\n", {}, 400, "BadField"),
        (b"\xff", {}, 400, "NotJson"),
        (ASK.replace(b"opus", b"gone"), {}, 404, "UnknownModel"),
        (ASK, {"authorization": "Bearer " + "x" * 43}, 401, "KeyUnknown"),
        (b"x" * 300_000, {}, 400, "BodyTooLarge"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
async def test_refusal_before_a_dispatch_is_in_its_own_words(
    tmp_path: Path,
    small_ballast: None,
    data: bytes,
    headers: dict[str, str],
    status: int,
    kind: str,
) -> None:
    async with between(tmp_path, answers(SAID)) as (it, http):
        reply = await http.post(SAY, content=data, headers=headers)
        assert (reply.status_code, lines_of(reply)["no"]) == (status, kind)
        assert reply.headers["x-request-id"].startswith("req_")
        assert [type(one).__name__ for one in it.refused] == [kind]
        wrong = await http.get(SAY)
        assert lines_of(wrong)["no"] == "WrongMethod"


async def test_unknown_path_is_told_what_is_served_in_every_dialect(
    tmp_path: Path, small_ballast: None
) -> None:
    async with between(tmp_path, answers(SAID)) as (_, http):
        reply = await http.get("/nowhere")
        assert reply.status_code == 404
        assert reply.json()["error"]["message"] == (
            "There is no /nowhere here. This gateway serves: "
            f"{', '.join(OPENAI.endpoints)}, {SAY}, {OPENAI.listing}, {TOY.listing}, {quota.PATH}, "
            f"{quota.PATH}/leases, {quota.PATH}/used."
        )


@pytest.mark.parametrize("data", [ASK, LIVE])
async def test_upstreams_error_passes_in_its_own_words(
    tmp_path: Path, small_ballast: None, data: bytes
) -> None:
    error = b"no=busy\nwords=overloaded\n"
    async with between(tmp_path, answers(error, "429 Too Many Requests")) as (it, http):
        reply = await http.post(SAY, content=data)
        assert (reply.status_code, reply.content) == (429, error)
        call = await it.call()
        assert (call.outcome, call.cause) == (Outcome.UPSTREAM_ERROR, Cause.UPSTREAM_429)
        assert call.cost_nano_usd == 0
        await nothing_is_held(it, 0)


@pytest.mark.parametrize("data", [b"<html>", completion()])
async def test_reply_of_another_dialect_is_none(
    tmp_path: Path, small_ballast: None, data: bytes
) -> None:
    async with between(tmp_path, answers(data)) as (it, http):
        reply = await http.post(SAY, content=ASK)
        assert (reply.status_code, lines_of(reply)["no"]) == (502, "UpstreamFailed")
        call = await it.call()
        assert (call.outcome, call.cause) == (Outcome.UNKNOWN, Cause.BROKEN_REPLY)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"! busy overloaded\n", b"overloaded"),
        (b"data: {}\n\n", b"no toy's"),
        (b"", b"ended early"),
    ],
    ids=["told", "another dialect", "cut"],
)
async def test_error_in_a_stream_ends_it_in_its_own_words(
    tmp_path: Path, small_ballast: None, sent: bytes, words: bytes
) -> None:
    async with between(tmp_path, answers(b"ref id-1\n+ a\n" + sent)) as (it, http):
        reply = await http.post(SAY, content=LIVE)
        assert reply.status_code == 200
        begun, _, last = reply.content.partition(b"$ ")
        assert begun == b"ref id-1\n+ a\n"
        cost_usd, _, error = last.partition(b"\n")
        assert error.startswith(b"! no=UpstreamFailed")
        assert words in error
        call = await it.call()
        assert call.outcome is Outcome.UPSTREAM_ERROR
        assert call.cost_nano_usd == round(float(cost_usd) * 10**9) > 0
        await nothing_is_held(it, call.cost_nano_usd)


async def test_models_are_listed_to_each_in_its_own_way(
    tmp_path: Path, small_ballast: None
) -> None:
    async with between(tmp_path, answers(SAID)) as (_, http):
        listed = await http.get("/toy/talks")
        assert lines_of(listed) == {"opus": "main", "flash": "main"}
        assert lines_of(await http.get("/toy/talks/opus")) == {"opus": "main"}
        assert lines_of(await http.get("/toy/talks/gone"))["no"] == "UnknownModel"
        assert (await http.get("/v1/models/opus")).json()["owned_by"] == "main"
        assert (await http.get("/v1/models/gone")).json()["error"]["code"] == "model_not_found"

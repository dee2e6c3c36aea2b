"""What an upstream does not know is its own fault, or the request's: no client breaks a target."""

from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
from openai.types.responses.response_error import ResponseError

from quotadeck.dialects.base import NOTHING_BEYOND, Beyond
from quotadeck.dialects.openai import OPENAI
from quotadeck.domain.calls import Outcome
from quotadeck.gateway.data.blame import LATELY_NS, Answering
from quotadeck.gateway.upstream.failures import failed_with
from quotadeck.gateway.upstream.keys import UpstreamKeys
from tests.dialects.forms import FORMS, WAYS, WORDS, data
from tests.gateway.holding import between, flowing, reply
from tests.gateway.provider import Peer
from tests.gateway.values import OPUS, body

OURS, THEIRS = Outcome.UPSTREAM_ERROR, Outcome.CLIENT_ERROR
CHAT, OLD = "/v1/chat/completions", "/v1/completions"
ROUTED = {"error": {"message": "No endpoints found that support tool use", "code": 404}}
GONE = {"error": {"message": "model: opus", "type": "not_found_error"}}
NO_MODEL = {
    "error": {"message": "Gone", "type": "invalid_request_error", "code": "model_not_found"}
}
NO_CHAT = {"error": {"message": "No chat model", "type": "invalid_request_error", "param": "model"}}
NO_ROUTE = {"message": "No Route matched with those values"}
_FAULTS = ("server_error", "vector_store_timeout", "data_residency_mismatch")
_CODES = ResponseError.model_fields["code"].annotation
REFERS = Beyond(refers=(("response", "resp_1"),))


@pytest.mark.parametrize(
    ("says", "answered", "ago_ns", "beyond", "whose"),
    [
        (ROUTED, (), 0, NOTHING_BEYOND, OURS),
        (ROUTED, (CHAT,), 0, NOTHING_BEYOND, THEIRS),
        (ROUTED, (CHAT,), LATELY_NS, NOTHING_BEYOND, OURS),
        (NO_ROUTE, (CHAT,), 0, NOTHING_BEYOND, OURS),
        (b"<html>", (CHAT,), 0, NOTHING_BEYOND, OURS),
        (GONE, (CHAT,), 0, NOTHING_BEYOND, OURS),
        (NO_MODEL, (CHAT,), 0, REFERS, OURS),
        (NO_CHAT, (CHAT,), 0, NOTHING_BEYOND, OURS),
        (NO_CHAT, (OLD,), 0, NOTHING_BEYOND, THEIRS),
        (NO_ROUTE, (OLD,), 0, NOTHING_BEYOND, THEIRS),
        (NO_ROUTE, (OLD,), LATELY_NS, NOTHING_BEYOND, OURS),
        (NO_ROUTE, (), 0, REFERS, THEIRS),
        (ROUTED, (), 0, REFERS, THEIRS),
    ],
)
def test_what_a_request_raises_is_not_its_targets_fault(
    says: Any, answered: tuple[str, ...], ago_ns: int, beyond: Beyond, whose: Outcome
) -> None:
    said = OPENAI.error(says if isinstance(says, bytes) else orjson.dumps(says))
    ask = OPENAI.parse(CHAT, body(), {})._replace(beyond=beyond)
    answering = Answering()
    for path in answered:
        answering.answered(OPUS, path, 7)
        answering.answered("main/other", CHAT, 7 + ago_ns)
    for status in (404, 405):
        failed = failed_with(status, {}, said, False, UpstreamKeys(()))
        judged = answering.judged(failed, ask, OPUS, CHAT, 7 + ago_ns)
        assert (judged.failure.outcome, judged.failure.status) == (whose, failed.failure.status)
        assert judged.refusal is failed.refusal
    for status in (400, 401, 429, 500):
        failed = failed_with(status, {}, said, False, UpstreamKeys(()))
        assert answering.judged(failed, ask, OPUS, CHAT, 7) is failed


def _failing(code: str) -> list[bytes]:
    """A response that fails by this, whole and as a stream that had begun."""
    failed = {"id": "r", "status": "failed", "error": {"code": code, "message": WORDS}}
    response = {"object": "response", "output": [], **failed}
    begun = data({"type": "response.created", "response": {**response, "status": "in_progress"}})
    end = data({"type": "response.failed", "response": response})
    return [reply(orjson.dumps(response)), flowing(begun + end)]


async def test_what_fails_by_what_was_asked_is_not_its_targets_fault(
    tmp_path: Path, small_ballast: None
) -> None:
    """Of each code that the SDK knows."""
    codes, form, sends = get_args(_CODES), FORMS["responses"], list[bytes]()

    async def script(peer: Peer) -> None:
        if await peer.request():
            await peer.send(sends.pop(0))

    way = next(way for way in WAYS if way.asked == way.spoken == "responses")
    async with between(tmp_path, way, script) as (it, http, _):
        for code in codes:
            sends += _failing(code)
            whole = await http.post(form.path, json=form.asked)
            stream = await http.post(form.path, json={**form.asked, "stream": True})
            assert WORDS in whole.text
            assert WORDS in stream.text
            assert (whole.status_code < 500, stream.status_code) == (code not in _FAULTS, 200)
        theirs = len({*codes} - {*_FAULTS, "rate_limit_exceeded"})
        outcomes = [call.outcome for call in await it.calls()]
        assert theirs > 10
        assert (outcomes.count(THEIRS), len(outcomes)) == (2 * theirs, 2 * len(codes))


async def test_a_client_that_asks_for_what_is_not_there_leaves_the_target_well(
    tmp_path: Path, small_ballast: None
) -> None:
    async def script(peer: Peer) -> None:
        while asked := await peer.request():
            there = "/chat/" in asked.line
            whole, wrong = orjson.dumps(FORMS["chat"].whole), orjson.dumps(NO_CHAT)
            await peer.send(reply(whole) if there else reply(wrong, "404 Not Found"))

    async with between(tmp_path, WAYS[0], script, also=("completions",)) as (it, http, _):
        assert (await http.post(CHAT, json=FORMS["chat"].asked)).status_code == 200
        got = await http.post(OLD, json=FORMS["completions"].asked)
        assert (got.status_code, got.json()["error"]["message"]) == (404, "No chat model")
        ended = {(call.outcome, call.http_status) for call in await it.calls()}
        assert ended == {(Outcome.OK, 200), (THEIRS, 404)}

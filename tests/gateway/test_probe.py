"""What a probe learns of upstreams of many ways, and that its calls are calls like all others."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from quotadeck.dialects.openai import COMPLETIONS, EMBEDDINGS, OPENAI
from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.probe import ProbeAsk, ProbeReport
from quotadeck.domain.refusals import LimitReached
from quotadeck.gateway.probe.asked import Means, ProbeRefused
from quotadeck.gateway.probe.probes import Probes
from quotadeck.words import say
from tests.gateway.chats import Open, completion
from tests.gateway.provider import Asked, Peer, Script, soon
from tests.gateway.rig import Rig

USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
WORD: dict[str, Any] = {"choices": [{"index": 0, "delta": {"content": "ok"}}]}
LAST: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
TOLD: dict[str, Any] = {"choices": [], "usage": USAGE}
MODELS = b'{"object":"list","data":[{"id":"opus-4.7"}]}'


def events(*each: dict[str, Any], done: bool = True) -> bytes:
    sent = b"".join(b"data: %b\n\n" % orjson.dumps(one) for one in each)
    return sent + (b"data: [DONE]\n\n" if done else b"")


def upstream(
    asked: list[Asked],
    *,
    whole: Callable[[dict[str, Any]], tuple[str, bytes]] = lambda _: ("200 OK", completion()),
    stream: Callable[[dict[str, Any]], tuple[str, bytes]] = lambda _: (
        "200 OK",
        events(WORD, LAST, TOLD),
    ),
    models: tuple[str, bytes] = ("200 OK", MODELS),
    spoken: tuple[str, ...] = ("/chat/completions",),
    headers: tuple[str, ...] = (),
    nonsense: tuple[str, bytes] = ("400 Bad Request", b'{"error":{"message":"no messages"}}'),
    absent: tuple[str, bytes] = ("404 Not Found", b'{"detail":"Not Found"}'),
) -> Script:
    """One that speaks these forms, and answers as it is told."""

    def answer(one: Asked) -> tuple[str, bytes]:
        _, path, _ = one.line.split(" ")
        if path.endswith("/models"):
            return models
        if path.removeprefix("/v1") not in spoken:
            return absent
        body = orjson.loads(one.body)
        if body["model"] != "opus-4.7":
            return nonsense
        return (stream if body.get("stream") else whole)(body)

    async def script(peer: Peer) -> None:
        while one := await peer.request():
            asked.append(one)
            status, body = answer(one)
            await peer.answer(body, status, *headers)

    return script


def loaded(one: Asked) -> dict[str, Any]:
    return dict(orjson.loads(one.body or b"{}"))


def probes_of(it: Rig) -> Probes:
    async def sleep(wait_s: float) -> None:
        it.clock.advance_ms(round(wait_s * 1_000))

    async def recorded(identity: str) -> Call | None:
        return next((one for one in await it.calls() if one.id == identity), None)

    return Probes(Means(it.app.calls, it.of, (OPENAI, COMPLETIONS, EMBEDDINGS), recorded, sleep))


async def learned(it: Rig, ask: ProbeAsk | None = None) -> ProbeReport:
    probes = probes_of(it)
    begun = probes.begin(ask or ProbeAsk("main"), "user:mika")

    def done() -> bool:
        report = probes.report(begun.id)
        return report is not None and report.done

    await soon(done)
    report = probes.report(begun.id)
    assert report is not None
    await probes.close()
    return report


def kinds(report: ProbeReport) -> list[str]:
    return [one.kind for one in report.told]


def words(report: ProbeReport) -> str:
    said = [say(one) for one in report.told]
    assert not any("{" in one for one in said)
    return "\n".join(said)


async def test_its_calls_are_in_the_ledger_at_their_price(opened: Open) -> None:
    asked: list[Asked] = []
    it, _ = await opened(upstream(asked))
    report = await learned(it)
    calls = await it.calls()
    assert (report.well, set(report.calls)) == (True, {call.id for call in calls})
    assert len(calls) == 2
    assert {call.outcome for call in calls} == {Outcome.OK}
    assert {call.project for call in calls} == {next(iter(it.of.projects))}
    assert {call.client_request_id for call in calls} == {"probe by user:mika"}
    assert report.cost_nano == sum(call.cost_nano_usd for call in calls) > 0
    assert report.lines == ('speaks = ["chat"]', 'stream_usage = "always"')
    said = words(report)
    assert "it takes chat; not completions, embeddings, responses, messages" in said
    assert "3 events" not in said
    assert "4 events, the last is '[DONE]'" in said
    assert "its usage stands in usage: prompt_tokens, completion_tokens" in said
    sent = [told for told in map(loaded, asked) if told.get("model") == "opus-4.7"]
    assert [one["stream"] for one in sent] == [False, True]
    assert [one["model"] for one in sent] == ["opus-4.7"] * 2


async def test_it_costs_no_more_than_it_says(opened: Open) -> None:
    it, _ = await opened(upstream([]))
    planned = probes_of(it).foresee(ProbeAsk("main"))
    assert await it.calls() == [], "to foresee is to ask nobody"
    report = await learned(it)
    assert len(report.calls) <= planned.calls == 7
    assert 0 < report.cost_nano <= planned.most_nano


async def test_a_refusal_of_stream_options_is_learned(opened: Open) -> None:
    def stream(body: dict[str, Any]) -> tuple[str, bytes]:
        if "stream_options" in body:
            return "422 No", b'{"detail":"stream_options: extra fields not permitted"}'
        return "200 OK", events(WORD, LAST, done=False)

    it, _ = await opened(upstream([], stream=stream))
    report = await learned(it)
    assert 'stream_usage = "never"' in report.lines
    said = words(report)
    assert "it refuses stream_options (422): stream_options: extra fields not permitted" in said
    assert "the last is 'finish_reason'" in said
    assert "tells no usage" in said
    refused, whole = sorted((await it.calls())[1:], key=lambda call: call.outcome is Outcome.OK)
    assert (refused.cost_nano_usd, whole.http_status) == (0, 200)


@pytest.mark.parametrize(
    ("nonsense", "absent", "takes"),
    [
        # OpenAI's own, and Portkey's for what it does not know.
        ("404 No", "404 No", "it takes chat; not completions"),
        ("422 No", "405 No", "it takes chat; not completions"),
        # One that answers all alike, whatever the path: only its answers tell.
        ("400 Bad", "400 Bad", "whether it takes chat, completions, embeddings, responses or"),
        ("400 Bad", "500 Oh", "whether it takes completions, embeddings, responses or messages"),
    ],
)
async def test_forms_are_told_apart_by_what_nonsense_is_answered(
    opened: Open, nonsense: str, absent: str, takes: str
) -> None:
    model = b'{"error":{"message":"The model `x` does not exist"}}'
    it, _ = await opened(upstream([], nonsense=(nonsense, model), absent=(absent, b"")))
    report = await learned(it)
    assert takes in words(report)
    assert (report.well, len(report.calls)) == (True, 2), "and chat was asked all the same"


@pytest.mark.parametrize(
    ("last", "at"),
    [
        ({**LAST, "x_groq": {"usage": USAGE}}, "x_groq.usage"),
        ({"choices": [{**LAST["choices"][0], "usage": USAGE}]}, "choices[].usage"),
    ],
)
async def test_where_the_usage_stands_is_told(opened: Open, last: dict[str, Any], at: str) -> None:
    it, _ = await opened(upstream([], stream=lambda _: ("200 OK", events(WORD, last))))
    report = await learned(it)
    assert f"chat: its usage stands in {at}: prompt_tokens" in words(report)
    assert 'stream_usage = "always"' in report.lines


async def test_its_own_price_is_told_once(opened: Open) -> None:
    headers = ("x-litellm-response-cost: 2.2e-05",)
    it, _ = await opened(upstream([], headers=headers))
    report = await learned(it)
    assert kinds(report).count("probe.cost") == 1
    assert "$0.000022" in words(report)


async def test_what_only_embeds_is_asked_to(opened: Open) -> None:
    def whole(body: dict[str, Any]) -> tuple[str, bytes]:
        assert body == {"model": "opus-4.7", "input": "Say ok."}
        told = {"object": "list", "data": [{"embedding": [0.5]}], "usage": {"prompt_tokens": 3}}
        return "200 OK", orjson.dumps(told)

    it, _ = await opened(upstream([], whole=whole, spoken=("/embeddings",)))
    report = await learned(it)
    assert (report.well, len(report.calls)) == (True, 1)
    assert report.lines == ('speaks = ["embeddings"]',)
    assert "embeddings: answered" in words(report)


async def test_a_newer_model_is_asked_by_its_own_name_for_the_bound(opened: Open) -> None:
    def whole(body: dict[str, Any]) -> tuple[str, bytes]:
        if "max_tokens" in body:
            said = b'{"error":{"message":"use max_completion_tokens instead"}}'
            return "400 Bad Request", said
        return "200 OK", completion()

    it, _ = await opened(upstream([], whole=whole))
    report = await learned(it)
    assert (report.well, len(report.calls)) == (True, 3)
    assert "probe.newer" in kinds(report)


@pytest.mark.parametrize(
    ("script", "kind", "said"),
    [
        (upstream([], models=("401 No", b'{"error":{"message":"bad key"}}')),
         "probe.key", "it answers 401: the key is refused; it says: bad key"),
        (upstream([], whole=lambda _: ("404 No", b'{"error":{"message":"no such model"}}')),
         "probe.failed", "chat: no answer (404): no such model"),
        (upstream([], models=("404 No", b""), spoken=()),
         "probe.forms.none", "it takes none of chat, completions, embeddings, responses, messages"),
        (None, "probe.unreached", "Connection refused: see base_url, proxy and ca_file"),
    ],
)  # fmt: skip
async def test_what_it_cannot_learn_is_explained(
    opened: Open, script: Script | None, kind: str, said: str
) -> None:
    it, _ = await opened(script)
    report = await learned(it)
    assert kind in kinds(report)
    assert said in words(report)
    assert (report.done, report.well) == (True, False)
    assert report.lines == (), "nothing was learned"


async def test_what_we_do_not_let_go_ends_it(opened: Open) -> None:
    asked: list[Asked] = []
    it, _ = await opened(upstream(asked))
    it.flights.draining = True
    report = await learned(it)
    assert "the gateway refuses it" in words(report)
    assert not any(loaded(one).get("model") == "opus-4.7" for one in asked)


async def test_a_limit_of_the_project_that_lets_one_go_soon_is_waited_for(opened: Open) -> None:
    it, _ = await opened(upstream([]), rpm=6)
    report = await learned(it)
    assert (report.well, len(report.calls)) == (True, 2)
    assert [type(one) for one in it.refused] == [LimitReached]


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (ProbeAsk("nobody"), "probe.no_upstream"),
        (ProbeAsk("main", "gpt-9"), "probe.no_model"),
        (ProbeAsk("main", "", "nobody"), "probe.no_project"),
    ],
)
async def test_what_is_not_in_the_config_is_refused_with_what_is(
    opened: Open, ask: ProbeAsk, kind: str
) -> None:
    it, _ = await opened(None)
    with pytest.raises(ProbeRefused) as refused:
        probes_of(it).foresee(ask)
    assert refused.value.told.kind == kind
    assert refused.value.told.facts["known"]


async def test_one_is_asked_at_a_time(opened: Open) -> None:
    it, _ = await opened(upstream([]))
    probes = probes_of(it)
    probes.begin(ProbeAsk("main"), "user:mika")
    with pytest.raises(ProbeRefused) as refused:
        probes.begin(ProbeAsk("main"), "user:mika")
    assert refused.value.told.kind == "probe.busy"
    await probes.close()

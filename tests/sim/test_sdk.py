"""The official SDK, unmodified, takes the simulator for its provider."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import openai
import orjson
import pytest
from openai.types.chat import ChatCompletionMessageParam

from .driver import MODEL, Upstream, body, running

NewId = Callable[[], str]
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]


@pytest.fixture
async def sdk(upstream: Upstream) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=upstream.base_url, api_key="sk-anything", max_retries=0
    ) as client:
        yield client


async def test_reply_is_complete(sdk: openai.AsyncOpenAI) -> None:
    reply = await sdk.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=20)
    assert reply.id.startswith("chatcmpl-")
    assert (reply.object, reply.model, reply.service_tier) == ("chat.completion", MODEL, "default")
    assert reply.system_fingerprint
    message = reply.choices[0].message
    assert message.role == "assistant"
    assert message.content
    assert message.refusal is None
    assert message.annotations == []
    assert reply.choices[0].logprobs is None
    usage = reply.usage
    assert usage is not None
    assert 1 <= usage.completion_tokens <= 20
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details.cached_tokens == 0
    assert usage.completion_tokens_details is not None
    assert usage.completion_tokens_details.reasoning_tokens == 0


async def test_stream_carries_usage_in_a_chunk_of_its_own(sdk: openai.AsyncOpenAI) -> None:
    stream = await sdk.chat.completions.create(
        model=MODEL,
        messages=HELLO,
        max_tokens=20,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    *others, last = chunks
    assert last.choices == []
    assert last.usage is not None
    assert all("usage" in chunk.model_fields_set for chunk in others)
    assert all(chunk.usage is None for chunk in others)
    assert others[0].choices[0].delta.role == "assistant"
    assert others[-1].choices[0].finish_reason in {"stop", "length"}
    assert {chunk.id for chunk in chunks} == {last.id}


async def test_stream_without_include_usage_has_none(sdk: openai.AsyncOpenAI) -> None:
    stream = await sdk.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=20, stream=True
    )
    chunks = [chunk async for chunk in stream]
    assert all(chunk.choices for chunk in chunks)
    assert not any("usage" in chunk.model_fields_set for chunk in chunks)


@pytest.mark.parametrize("n", [1, 3])
async def test_stream_and_json_say_the_same(sdk: openai.AsyncOpenAI, n: int) -> None:
    whole = await sdk.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=4000, n=n)
    async with sdk.chat.completions.stream(
        model=MODEL, messages=HELLO, max_tokens=4000, n=n, stream_options={"include_usage": True}
    ) as stream:
        streamed = await stream.get_final_completion()
    said = [choice.message.content for choice in whole.choices]
    assert [choice.message.content for choice in streamed.choices] == said
    assert streamed.usage == whole.usage
    assert [c.finish_reason for c in streamed.choices] == [c.finish_reason for c in whole.choices]


async def test_max_tokens_cuts_and_says_so(sdk: openai.AsyncOpenAI) -> None:
    reply = await sdk.chat.completions.create(
        model=MODEL, messages=HELLO, max_completion_tokens=2, max_tokens=50
    )
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 2


async def test_stop_sequence_is_not_returned(sdk: openai.AsyncOpenAI) -> None:
    free = await sdk.chat.completions.create(model=MODEL, messages=HELLO)
    text = free.choices[0].message.content or ""
    stop = text[len(text) // 2 :][:3]
    cut = await sdk.chat.completions.create(model=MODEL, messages=HELLO, stop=[stop])
    assert cut.choices[0].message.content == text[: text.index(stop)]
    assert cut.choices[0].finish_reason == "stop"
    assert cut.usage is not None
    assert free.usage is not None
    assert cut.usage.completion_tokens < free.usage.completion_tokens


async def test_raw_headers_tell_limits_and_ids(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.chat.completions.with_raw_response.create(
        model=MODEL, messages=HELLO, max_tokens=1
    )
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["openai-processing-ms"].isdigit()
    assert answer.headers["x-ratelimit-limit-requests"] == "500"
    assert answer.headers["x-ratelimit-limit-tokens"] == "1000000"
    assert int(answer.headers["x-ratelimit-remaining-requests"]) < 500
    assert re.fullmatch(r"(\d+m)?[\d.]+s|\d+ms", answer.headers["x-ratelimit-reset-requests"])


def test_sync_client_lists_models(upstream: Upstream) -> None:
    with openai.OpenAI(base_url=upstream.base_url, api_key="sk-any", max_retries=0) as sdk:
        ids = [model.id for model in sdk.models.list()]
        assert ids[:4] == ["claude-opus-4.7", "gpt-4.1", "gemini-2.5-flash", "deepseek-v3.2"]
        assert sdk.models.retrieve("deepseek-v3.2").owned_by == "deepseek"
        with pytest.raises(openai.NotFoundError) as unknown:
            sdk.models.retrieve("gpt-9")
        assert unknown.value.code == "model_not_found"
        with sdk.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream:
            assert sum(len(chunk.choices) for chunk in stream) > 1


async def test_unknown_model_is_404(sdk: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        await sdk.chat.completions.create(model="gpt-9", messages=HELLO)
    assert unknown.value.code == "model_not_found"
    assert unknown.value.request_id is not None


async def test_too_long_is_400(sdk: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as long:
        await sdk.chat.completions.create(
            model="claude-opus-4.7", messages=[{"role": "user", "content": "word " * 130_000}]
        )
    assert long.value.code == "context_length_exceeded"
    assert long.value.param == "messages"


async def test_key_is_checked_where_there_is_one(tmp_path: Path) -> None:
    with running(tmp_path / "log", "--key", "sk-right-0123456789") as locked:
        async with openai.AsyncOpenAI(
            base_url=locked.base_url, api_key="sk-wrong-0123456789", max_retries=0
        ) as sdk:
            with pytest.raises(openai.AuthenticationError) as refused:
                await sdk.models.list()
        assert refused.value.code == "invalid_api_key"
        assert "wrong" not in str(refused.value)
        raw = await locked.exchange(body(), {})
        assert raw.status == 401
        assert "didn't provide an API key" in orjson.loads(raw.body)["error"]["message"]
        async with openai.AsyncOpenAI(
            base_url=locked.base_url, api_key="sk-right-0123456789", max_retries=0
        ) as sdk:
            assert [model.id async for model in sdk.models.list()]
    assert locked.log() == []


async def test_limits_are_enforced_where_asked(tmp_path: Path) -> None:
    with running(tmp_path / "log", "--enforce-limits") as strict:
        async with openai.AsyncOpenAI(
            base_url=strict.base_url, api_key="sk-any", max_retries=0
        ) as sdk:
            with pytest.raises(openai.RateLimitError) as limited:  # noqa: PT012
                # On a slow machine some of the rate comes back meanwhile.
                for _ in range(500):
                    await sdk.chat.completions.create(
                        model="claude-opus-4.7", messages=HELLO, max_tokens=1
                    )
    assert limited.value.code == "rate_limit_exceeded"
    assert limited.value.type == "requests"
    headers = limited.value.response.headers
    assert headers["retry-after"] in {"1", "2"}
    assert 0 < int(headers["retry-after-ms"]) <= 1200
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert len(strict.log()) >= 50

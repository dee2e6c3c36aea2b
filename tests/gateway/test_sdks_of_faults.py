"""The official SDKs as judges of faults: each raises the class that fits, with the words in it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anthropic
import openai
import orjson
import pytest

from tests.dialects.forms import ERROR, FORMS, WAYS, WORDS, Way, data
from tests.gateway.holding import all_is_given_back, between, flowing, reply
from tests.gateway.provider import Peer
from tests.gateway.rig import SECRET

Ask = Callable[..., Awaitable[Any]]
SAYS: Final = orjson.dumps(ERROR)
RAISED: Final[Mapping[int, str]] = {
    400: "BadRequestError",
    401: "InternalServerError",  # the gateway's own key is no business of the client's
    403: "InternalServerError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    500: "InternalServerError",
    502: "InternalServerError",
}
OF_ANTHROPIC: Final = {503: "ServiceUnavailableError", 529: "OverloadedError"}


@asynccontextmanager
async def sdk(way: Way, base: str) -> AsyncIterator[tuple[Any, Ask]]:
    """The package of a form's official SDK, and how it asks."""
    at_openai = openai.AsyncOpenAI(base_url=f"{base}/v1", api_key=SECRET, max_retries=0)
    at_anthropic = anthropic.AsyncAnthropic(base_url=base, api_key=SECRET, max_retries=0)
    asks: dict[str, Ask] = {
        "chat": at_openai.chat.completions.create,
        "completions": at_openai.completions.create,
        "embeddings": at_openai.embeddings.create,
        "responses": at_openai.responses.create,
        "input_tokens": at_openai.responses.input_tokens.count,
        "messages": at_anthropic.messages.create,
        "count_tokens": at_anthropic.messages.count_tokens,
    }
    async with at_openai, at_anthropic:
        yield (anthropic if way.dialect.form == "messages" else openai), asks[way.asked]


@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_each_fault_raises_the_class_that_fits_with_its_words(
    tmp_path: Path, small_ballast: None, way: Way
) -> None:
    form, sends = FORMS[way.asked], b""

    async def script(peer: Peer) -> None:
        if await peer.request():
            await peer.send(sends)

    async with (
        between(tmp_path, way, script) as (it, http, _),
        sdk(way, str(http.base_url)) as judge,
    ):
        package, ask = judge

        async def answered(**more: Any) -> None:
            events = await ask(**form.asked, **more)
            if more:
                [_ async for _ in events]

        async def raised(**more: Any) -> Any:
            with pytest.raises(package.APIError) as error:
                await answered(**more)
            return error.value

        streams: tuple[dict[str, Any], ...] = ({}, {"stream": True}) if form.stream else ({},)
        for status, name in {**RAISED, **(OF_ANTHROPIC if package is anthropic else {})}.items():
            for more in streams:
                sends = reply(SAYS, f"{status} x")
                error = await raised(**more)
                assert isinstance(error, getattr(package, name)), (status, more)
                assert WORDS in str(error) or status in (401, 403), (status, more)
        if form.stream:
            first = FORMS[way.spoken].stream.partition(b"\n\n")[0] + b"\n\n"
            for last, words in ((data(ERROR, "error"), WORDS), (b"", "ended early")):
                sends = flowing(first + last)
                assert words in str(await raised(stream=True)), words
        await all_is_given_back(it)

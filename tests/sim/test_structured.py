"""Structured output, by the official SDKs' own `parse`: whole, streamed, and as a call."""

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

from .driver import Upstream


class Step(BaseModel):
    why: str
    minutes: int


class Runbook(BaseModel):
    title: str
    steps: list[Step]
    severity: float
    paged: bool


HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Write the runbook."}]
SCHEMA = Runbook.model_json_schema()
FUNCTION = {"type": "function", "name": "write", "parameters": SCHEMA}
OTHER = {"type": "function", "name": "other", "parameters": {"type": "object"}}


@pytest.fixture
async def gpt(upstream: Upstream) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=upstream.base_url, api_key="sk-any") as client:
        yield client


@pytest.fixture
async def claude(upstream: Upstream) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=upstream.root, api_key="sk-any") as client:
        yield client


async def test_chat_answers_in_the_schema(gpt: openai.AsyncOpenAI) -> None:
    asked: dict[str, Any] = {"model": "gpt-sim", "messages": HELLO, "response_format": Runbook}
    whole = await gpt.chat.completions.parse(**asked)
    async with gpt.chat.completions.stream(**asked) as stream:
        streamed = await stream.get_final_completion()
    assert isinstance(whole.choices[0].message.parsed, Runbook)
    assert whole.choices[0].message.parsed == streamed.choices[0].message.parsed
    assert whole.choices[0].finish_reason == "stop"


async def test_a_response_is_in_the_schema_and_says_so(gpt: openai.AsyncOpenAI) -> None:
    asked: dict[str, Any] = {"model": "gpt-sim", "input": "Write.", "text_format": Runbook}
    whole = await gpt.responses.parse(**asked)
    async with gpt.responses.stream(**asked) as stream:
        streamed = await stream.get_final_response()
    assert isinstance(whole.output_parsed, Runbook)
    assert whole.output_parsed == streamed.output_parsed
    assert whole.text is not None
    assert whole.text.format is not None
    assert whole.text.format.type == "json_schema"


async def test_a_message_is_in_the_schema(claude: anthropic.AsyncAnthropic) -> None:
    asked: dict[str, Any] = {"model": "claude-sim", "max_tokens": 2_000, "messages": HELLO}
    whole = await claude.messages.parse(**asked, output_format=Runbook)
    async with claude.messages.stream(**asked, output_format=Runbook) as stream:
        streamed = await stream.get_final_message()
    assert isinstance(whole.parsed_output, Runbook)
    assert whole.parsed_output == streamed.parsed_output


async def test_the_function_that_must_be_called_is_and_its_arguments_fit(
    gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic
) -> None:
    given: Any = [OTHER, FUNCTION]
    chats: Any = [{"type": "function", "function": each} for each in given]
    tools: Any = [{"name": each["name"], "input_schema": each["parameters"]} for each in given]
    hello: Any = HELLO
    chat = await gpt.chat.completions.create(
        model="gpt-sim",
        messages=HELLO,
        tools=chats,
        tool_choice={"type": "function", "function": {"name": "write"}},
    )
    response = await gpt.responses.create(
        model="gpt-sim",
        input="Write.",
        tools=given,
        tool_choice={"type": "function", "name": "write"},
    )
    message = await claude.messages.create(
        model="claude-sim",
        max_tokens=2_000,
        messages=hello,
        tools=tools,
        tool_choice={"type": "tool", "name": "write"},
    )
    assert chat.choices[0].message.tool_calls
    [called] = chat.choices[0].message.tool_calls
    [item] = response.output
    [block] = message.content
    assert called.type == "function"
    assert item.type == "function_call"
    assert block.type == "tool_use"
    assert {called.function.name, item.name, block.name} == {"write"}
    for arguments in (called.function.arguments, item.arguments):
        Runbook.model_validate_json(arguments)
    Runbook.model_validate(block.input)


async def test_no_function_is_called_that_must_not_be(gpt: openai.AsyncOpenAI) -> None:
    tools: Any = [{"type": "function", "function": FUNCTION}]
    for at in range(8):
        reply = await gpt.chat.completions.create(
            model="gpt-sim",
            messages=[{"role": "user", "content": f"Write {at}."}],
            tools=tools,
            tool_choice="none",
        )
        assert reply.choices[0].message.tool_calls is None


async def test_json_that_is_cut_is_cut(gpt: openai.AsyncOpenAI) -> None:
    reply = await gpt.chat.completions.create(
        model="gpt-sim",
        messages=HELLO,
        max_tokens=3,
        response_format={"type": "json_schema", "json_schema": {"name": "r", "schema": SCHEMA}},
    )
    assert reply.choices[0].finish_reason == "length"
    assert (reply.choices[0].message.content or "").startswith('{"title":')
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 3

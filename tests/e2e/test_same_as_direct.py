"""The official SDKs get through the gateway what the upstream gives them direct, to the value.

Only what is made anew for every call differs: ids and times.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic
from openai import NotFoundError, OpenAI
from pydantic import BaseModel

from tests.processes import MODELS, UPSTREAM_KEY, Gateway, start_upstream

TARGETS = """
speaks = ["chat", "completions", "responses", "messages"]
[targets."main/gpt-sim"]
[targets."main/claude-sim"]
[routes."gpt-sim"]
targets = ["main/gpt-sim"]
[routes."claude-sim"]
targets = ["main/claude-sim"]
""" + "\n".join(f'[targets."main/{model}"]' for model in MODELS)
TRANSLATED = """
[upstreams.{form}]
base_url = "{base_url}"
key = {{ env = "TEST_UPSTREAM_KEY" }}
speaks = ["{form}"]
[targets."{form}/{model}"]
[routes."over-{form}"]
targets = ["{form}/{model}"]
"""


class Step(BaseModel):
    why: str
    minutes: int


class Runbook(BaseModel):
    title: str
    steps: list[Step]
    severity: float
    paged: bool


HELLO: Any = [{"role": "user", "content": "Write the runbook."}]
CHAT: dict[str, Any] = {"messages": HELLO, "max_tokens": 2_000}
RESPONSE: dict[str, Any] = {"input": "Write the runbook."}
MESSAGE: dict[str, Any] = {"messages": HELLO, "max_tokens": 2_000}


@dataclass(frozen=True)
class Sdks:
    """Both official SDKs before one place."""

    gpt: OpenAI
    claude: Anthropic


Call = Callable[[Sdks, str], Any]


def chat(sdks: Sdks, model: str) -> Any:
    return sdks.gpt.chat.completions.parse(model=model, response_format=Runbook, **CHAT)


def chat_streamed(sdks: Sdks, model: str) -> Any:
    with sdks.gpt.chat.completions.stream(
        model=model, response_format=Runbook, stream_options={"include_usage": True}, **CHAT
    ) as stream:
        return stream.get_final_completion()


def response(sdks: Sdks, model: str) -> Any:
    return sdks.gpt.responses.parse(model=model, text_format=Runbook, **RESPONSE)


def response_streamed(sdks: Sdks, model: str) -> Any:
    with sdks.gpt.responses.stream(model=model, text_format=Runbook, **RESPONSE) as stream:
        return stream.get_final_response()


def message(sdks: Sdks, model: str) -> Any:
    return sdks.claude.messages.parse(model=model, output_format=Runbook, **MESSAGE)


def message_streamed(sdks: Sdks, model: str) -> Any:
    with sdks.claude.messages.stream(model=model, output_format=Runbook, **MESSAGE) as stream:
        return stream.get_final_message()


WHOLE_AND_STREAMED: dict[str, tuple[str, Call, Call]] = {
    "chat": ("gpt-sim", chat, chat_streamed),
    "responses": ("gpt-sim", response, response_streamed),
    "messages": ("claude-sim", message, message_streamed),
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sdks, Sdks]]:
    """Direct, and through the gateway."""
    directory: Path = tmp_path_factory.mktemp("same")
    upstream = start_upstream(directory)
    others = [
        TRANSLATED.format(form=form, model=model, base_url=upstream.base_url)
        for form, model in (("chat", "gpt-sim"), ("messages", "claude-sim"))
    ]
    gateway = Gateway(directory, upstream, "[projects.free]", "\n".join([TARGETS, *others]))
    with contextlib.ExitStack() as ended:
        ended.callback(upstream.stop)
        gateway.start()
        ended.callback(gateway.kill)
        key = gateway.add_key("free")
        direct, through = (
            Sdks(
                OpenAI(base_url=base_url, api_key=secret, max_retries=0),
                Anthropic(base_url=base_url.removesuffix("/v1"), api_key=secret, max_retries=0),
            )
            for base_url, secret in (
                (upstream.base_url, UPSTREAM_KEY),
                (gateway.base_url, key),
            )
        )
        yield direct, through


def bare(value: Any) -> Any:
    """Without what every call makes anew."""
    if isinstance(value, list):
        return [bare(each) for each in value]
    if not isinstance(value, dict):
        return value
    new = ("id", "created", "created_at")
    return {name: bare(each) for name, each in value.items() if name not in new}


def parsed(reply: Any) -> Runbook:
    if hasattr(reply, "choices"):
        found = reply.choices[0].message.parsed
    else:
        found = reply.output_parsed if hasattr(reply, "output_parsed") else reply.parsed_output
    assert isinstance(found, Runbook)
    return found


@pytest.mark.parametrize("form", WHOLE_AND_STREAMED)
def test_structured_output_is_the_same_as_direct(both: tuple[Sdks, Sdks], form: str) -> None:
    model, *calls = WHOLE_AND_STREAMED[form]
    direct, through = ([call(sdks, model) for call in calls] for sdks in both)
    for mine, upstreams in zip(through, direct, strict=True):
        assert bare(mine.to_dict(warnings=False)) == bare(upstreams.to_dict(warnings=False))
    assert len({parsed(reply).model_dump_json() for reply in (*direct, *through)}) == 1


@pytest.mark.parametrize("asks", [False, True])
def test_a_stream_has_the_events_of_a_direct_one(both: tuple[Sdks, Sdks], asks: bool) -> None:
    """With all their members, and no more: the gateway asks for the usage whoever did not."""
    more: Any = {"stream_options": {"include_usage": True}} if asks else {}

    def said(sdks: Sdks) -> list[Any]:
        chunks = sdks.gpt.chat.completions.create(model="gpt-sim", stream=True, **CHAT, **more)
        texts = sdks.gpt.completions.create(model="gpt-sim", prompt="Go on", stream=True, **more)
        return [bare(chunk.to_dict()) for chunk in (*chunks, *texts)]

    direct, through = map(said, both)
    assert through == direct
    assert any("usage" in chunk for chunk in through) is asks


def test_every_answer_says_when_it_was_made(both: tuple[Sdks, Sdks]) -> None:
    sdk = both[1].gpt
    whole = sdk.chat.completions.with_raw_response.create(model="gpt-sim", **CHAT)
    with sdk.chat.completions.with_streaming_response.create(
        model="gpt-sim", stream=True, **CHAT
    ) as stream:
        stream.read()
    with pytest.raises(NotFoundError) as refused:
        sdk.models.retrieve("none")
    for answer in (whole, stream, refused.value.response):
        dated = parsedate_to_datetime(answer.headers["date"])
        assert abs(datetime.now(UTC) - dated) < timedelta(hours=1)


@pytest.mark.parametrize(
    ("form", "spoken"), [("chat", "messages"), ("messages", "chat"), ("responses", "chat")]
)
def test_structured_output_is_what_was_asked_for_over_a_translation(
    both: tuple[Sdks, Sdks], form: str, spoken: str
) -> None:
    _, *calls = WHOLE_AND_STREAMED[form]
    whole, streamed = (parsed(call(both[1], f"over-{spoken}")) for call in calls)
    assert whole == streamed

"""The official SDKs before the simulated upstream, which ask a small thing of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import anthropic
import httpx
import openai
from openai.types.chat import ChatCompletion

from tests.sim.driver import MODEL

NO_HEADERS: Mapping[str, str] = {}


class Sdks(NamedTuple):
    """Clients that live as long as the tests: making one reads all authorities of the system."""

    chat: openai.OpenAI
    claude: anthropic.Anthropic
    plain: httpx.Client

    def openai(
        self, headers: Mapping[str, str] = NO_HEADERS, timeout_s: float = 5
    ) -> ChatCompletion:
        return self.chat.chat.completions.create(
            model=MODEL,
            max_tokens=3,
            messages=[{"role": "user", "content": "Hello"}],
            extra_headers=headers,
            timeout=timeout_s,
        )

    def anthropic(
        self, headers: Mapping[str, str] = NO_HEADERS, timeout_s: float = 5
    ) -> anthropic.types.Message:
        return self.claude.messages.create(
            model=MODEL,
            max_tokens=3,
            messages=[{"role": "user", "content": "Hello"}],
            extra_headers=headers,
            timeout=timeout_s,
        )

    def httpx(
        self, headers: Mapping[str, str] = NO_HEADERS, timeout_s: float = 5
    ) -> httpx.Response:
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
        reply = self.plain.post("chat/completions", json=body, headers=headers, timeout=timeout_s)
        return reply.raise_for_status()


@contextmanager
def sdks_at(base_url: str) -> Iterator[Sdks]:
    """They do not retry by themselves."""
    root = base_url.removesuffix("/v1")
    with (
        openai.OpenAI(base_url=base_url, api_key="any", max_retries=0) as chat,
        anthropic.Anthropic(base_url=root, api_key="any", max_retries=0) as claude,
        httpx.Client(base_url=base_url) as plain,
    ):
        yield Sdks(chat, claude, plain)

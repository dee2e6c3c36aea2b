"""What is known of providers by their names: how they are found, asked, and what keys they give."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

FORMS: Final = ("chat", "completions", "embeddings", "responses", "messages")
"""The forms of requests that there are."""
_COMPATIBLE: Final = ("chat", "completions", "embeddings")


class Provider(NamedTuple):
    """``hosts`` are where it is found, ``speaks`` the forms that it takes, ``key_chars`` what its
    shortest key has; 0 where it tells no length."""

    hosts: tuple[str, ...] = ()
    speaks: tuple[str, ...] = _COMPATIBLE
    key_chars: int = 0


UNKNOWN: Final = Provider()
"""Whoever speaks as OpenAI does; gateways give keys of any length."""

PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {
        # Lengths: what their consoles give out, the oldest kind that is still taken.
        "openai": Provider(
            ("api.openai.com", "eu.api.openai.com", "us.api.openai.com"),
            (*_COMPATIBLE, "responses"),
            51,
        ),
        "anthropic": Provider(("api.anthropic.com",), ("messages",), 90),
        "deepseek": Provider(("api.deepseek.com",), _COMPATIBLE, 35),
        "google": Provider(("generativelanguage.googleapis.com",), _COMPATIBLE, 39),
        "groq": Provider(("api.groq.com",), _COMPATIBLE, 56),
        "mistral": Provider(("api.mistral.ai",), _COMPATIBLE, 32),
        "moonshotai": Provider(("api.moonshot.ai", "api.moonshot.cn")),
        "openrouter": Provider(("openrouter.ai",), _COMPATIBLE, 64),
        "x-ai": Provider(("api.x.ai",), _COMPATIBLE, 80),
    }
)


def provider_at(host: str) -> str:
    """Whose host it is; empty where nobody knows."""
    for name, provider in PROVIDERS.items():
        if host.lower() in provider.hosts:
            return name
    return ""


def provider_named(name: str) -> Provider:
    """What is known of it, which may be nothing."""
    return PROVIDERS.get(name, UNKNOWN)

"""Calls as applications make them, drawn from a seed: every form, every thing that costs."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

Body = dict[str, Any]

_WORDS: Final = (
    *("quota", "budget", "naïve", "要約", "retry", "café", "→", "queue", "🙂"),
    *("night", "batch", "limit", "bucket", "tokens"),
)

PLAIN_FAULTS: Final = (
    "crlf", "no-space", "keepalive", "split-data", "split-utf8", "early-hints", "slow=0.001",
    "usage-on-finish",
)  # fmt: skip
"""What changes nothing of what is said."""
UNBILLED_FAULTS: Final = (
    "status=400", "status=401", "status=403", "status=404", "status=429", "status=500",
    "status=503", "status=529", "hostile=500", "hostile=400", "html=502", "error-200",
    "retry-after=7", "retry-after-ms=50", "retry-after-date=9", "insufficient-quota",
)  # fmt: skip
"""What is answered instead; nothing is generated."""
DOUBTFUL_FAULTS: Final = ("refuse", "empty", "html=200", "gzip-bomb=1")
"""What is no answer: nothing is generated, and nobody can tell."""
HIDING_FAULTS: Final = (
    "usage-missing", "usage-null", "usage-negative", "usage-huge", "usage-float", "usage-string",
    "reset-chunk=2", "stream-error=2", "garbage=1", "truncate=3", "truncate", "reset-byte=300",
    "reset-chunk=0", "stream-error=1", "reset-byte=0",
)  # fmt: skip
"""What keeps from us what is billed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call."""

    way: str
    """Its form, and the upstream's where that is another."""
    path: str
    body: Body
    fault: str = ""
    leaves_after: int | None = None
    """The client hangs up after so many bytes."""
    goes_on: bool = False
    """It goes on from an earlier response, where one is known."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A form: its path, and how its body is drawn."""

    path: str
    draw: Callable[[Random], Body]
    faults_in: Callable[[str], Body]
    """How the body carries the name of a fault."""
    streams: bool = True


def _text(rng: Random, words: int) -> str:
    return " ".join(rng.choices(_WORDS, k=words)) + f" {rng.getrandbits(48):x}"


def _length(rng: Random) -> int:
    """Mostly short; some long enough to be cached, some for the price of long inputs."""
    return rng.choice((3, 5, 8, 13, 40, 40, 600, 1_300))


def _maybe(rng: Random, chance: float, **fields: Any) -> Body:
    return fields if rng.random() < chance else {}


PICTURE: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5"
)


def _seen(rng: Random, text: Body, picture: Body) -> str | list[Body]:
    """What a user says: a text, or a text and a picture."""
    return [text, picture] if rng.random() < 0.15 else str(text["text"])


def _plain_chat(rng: Random, *models: str) -> Body:
    """What every upstream that speaks of messages in turns can be asked."""
    function = {"name": "note", "parameters": {"type": "object"}}
    text = {"type": "text", "text": _text(rng, _length(rng))}
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
    return {
        "model": rng.choice(models),
        "messages": [
            *([{"role": "system", "content": _text(rng, 20)}] if rng.random() < 0.5 else []),
            {"role": "user", "content": _seen(rng, text, picture)},
        ],
        "max_tokens": rng.choice((1, 2, 30, 200)),
        **_maybe(rng, 0.2, stop=[" the"]),
        **_maybe(rng, 0.2, tools=[{"type": "function", "function": function}]),
        **_maybe(rng, 0.2, reasoning_effort="high"),
    }


def _chat(rng: Random) -> Body:
    return {
        **_plain_chat(rng, "gpt-sim", "gpt-sim", "deepseek-v3.2", "gpt-4.1", "either"),
        **_maybe(rng, 0.2, n=rng.choice((2, 3))),
        **_maybe(rng, 0.3, service_tier=rng.choice(("auto", "default", "priority", "flex"))),
    }


def _chat_over_messages(rng: Random) -> Body:
    tier = rng.choice(("auto", "default"))
    return {**_plain_chat(rng, "claude-sim"), **_maybe(rng, 0.3, service_tier=tier)}


def _completion(rng: Random) -> Body:
    return {
        "model": "gpt-sim",
        "prompt": rng.choice((_text(rng, _length(rng)), [_text(rng, 3), _text(rng, 4)])),
        "max_tokens": rng.choice((1, 30, 200)),
        **_maybe(rng, 0.2, n=2),
    }


def _embedding(rng: Random) -> Body:
    return {
        "model": "embed-sim",
        "input": rng.choice((_text(rng, _length(rng)), [_text(rng, 3), _text(rng, 40)])),
        **_maybe(rng, 0.5, encoding_format="base64"),
    }


def _plain_response(rng: Random, model: str) -> Body:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PICTURE}"}
    parts = [{"type": "input_text", "text": _text(rng, 9)}, picture]
    return {
        "model": model,
        "input": rng.choice(
            (
                _text(rng, _length(rng)),
                [{"role": "user", "content": parts[: rng.choice((1, 2))]}],
            )
        ),
        "max_output_tokens": rng.choice((16, 30, 200)),
        "store": rng.random() < 0.3,
        **_maybe(rng, 0.3, instructions=_text(rng, _length(rng))),
        **_maybe(rng, 0.3, reasoning={"effort": "high"}),
        **_maybe(rng, 0.3, service_tier=rng.choice(("auto", "default", "priority", "flex"))),
    }


def _response(rng: Random) -> Body:
    tools = rng.choice(([{"type": "web_search"}], [_NOTE]))
    return {**_plain_response(rng, "gpt-sim"), **_maybe(rng, 0.3, tools=tools)}


def _response_over_chat(rng: Random) -> Body:
    return {**_plain_response(rng, "gpt-by-chat"), **_maybe(rng, 0.3, tools=[_NOTE])}


_NOTE: Final = {"type": "function", "name": "note", "parameters": {}}


def _plain_message(rng: Random, *models: str) -> Body:
    text = {"type": "text", "text": _text(rng, _length(rng))}
    source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
    return {
        "model": rng.choice(models),
        "messages": [
            {"role": "user", "content": _seen(rng, text, {"type": "image", "source": source})}
        ],
        "max_tokens": rng.choice((1, 30, 200)),
        **_maybe(rng, 0.2, service_tier=rng.choice(("auto", "standard_only"))),
        **_maybe(rng, 0.3, thinking={"type": "adaptive"}),
    }


def _message_over_chat(rng: Random) -> Body:
    tools = [{"name": "note", "input_schema": {"type": "object"}}]
    return {
        **_plain_message(rng, "gpt-sim", "gpt-by-chat"),
        **_maybe(rng, 0.3, system=_text(rng, 20)),
        **_maybe(rng, 0.3, tools=tools),
    }


def _message(rng: Random) -> Body:
    ttl = rng.choice(("5m", "1h"))
    marked = {"type": "text", "text": _text(rng, 700)}
    marked["cache_control"] = {"type": "ephemeral", "ttl": ttl}  # type: ignore[assignment]
    tools = rng.choice(
        (
            [{"type": "web_search_20260101", "name": "web_search", "max_uses": 3}],
            [{"name": "note", "input_schema": {"type": "object"}}],
            [{"type": "advisor_20260301", "name": "advisor"}],
        )
    )
    return {
        **_plain_message(rng, "claude-sim", "claude-sim", "claude-opus-4.7"),
        **_maybe(rng, 0.3, system=[marked]),
        **_maybe(rng, 0.2, cache_control={"type": "ephemeral"}),
        **_maybe(rng, 0.3, tools=tools),
        **_maybe(rng, 0.2, context_management={"edits": [{"type": "compact_20260112"}]}),
        **_maybe(rng, 0.2, speed="fast"),
        **_maybe(rng, 0.2, inference_geo=rng.choice(("us", "global"))),
    }


SHAPES: Final[dict[str, Shape]] = {
    "chat": Shape("/v1/chat/completions", _chat, lambda user: {"user": user}),
    "completions": Shape("/v1/completions", _completion, lambda user: {"user": user}),
    "embeddings": Shape("/v1/embeddings", _embedding, lambda user: {"user": user}, streams=False),
    "responses": Shape("/v1/responses", _response, lambda user: {"user": user}),
    "messages": Shape("/v1/messages", _message, lambda user: {"metadata": {"user_id": user}}),
    "chat over messages": Shape(
        "/v1/chat/completions", _chat_over_messages, lambda user: {"user": user}
    ),
    "messages over chat": Shape(
        "/v1/messages", _message_over_chat, lambda user: {"metadata": {"user_id": user}}
    ),
    "responses over chat": Shape("/v1/responses", _response_over_chat, lambda user: {"user": user}),
}


def drawn(rng: Random, forms: tuple[str, ...]) -> Asked:
    """The next call."""
    way = rng.choice(forms)
    shape = SHAPES[way]
    body = shape.draw(rng)
    if shape.streams and rng.random() < 0.5:
        body["stream"] = True
        options = {"include_usage": rng.random() < 0.5}
        if "prompt" in body or shape.path == SHAPES["chat"].path:
            body |= _maybe(rng, 0.5, stream_options=options)
    lot, fault = rng.random(), ""
    if lot < 0.15:
        fault = rng.choice(PLAIN_FAULTS)
    elif lot < 0.20:
        fault = rng.choice(UNBILLED_FAULTS)
    elif lot < 0.25:
        fault = rng.choice(HIDING_FAULTS)
    elif lot < 0.26:
        fault = rng.choice(DOUBTFUL_FAULTS)
    leaves = rng.choice((1, 200, 900)) if not fault and rng.random() < 0.05 else None
    if fault:
        body |= shape.faults_in(f"sim-fault {fault}")
    stored = shape.draw is _response and not fault and rng.random() < 0.2
    return Asked(way, shape.path, body, fault, leaves, goes_on=stored)

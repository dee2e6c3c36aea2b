"""The older completions: a prompt, and the text that goes on from it."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from quotadeck.sim.ask import Ask, canonical, count, fitting, flag, stops, usage_wanted, wrong_type
from quotadeck.sim.catalogue import Model
from quotadeck.sim.errors import bad_request
from quotadeck.sim.pieces import DONE, Piece, Stamp, Usage, event
from quotadeck.sim.plan import Plan
from quotadeck.sim.tokens import count_text

DEFAULT_MAX_TOKENS = 16
MAX_CHOICES = 128


def parse_completion(model: Model, body: Mapping[str, Any]) -> Ask:
    """Check everything that decides on the reply."""
    prompt = body.get("prompt", "<|endoftext|>")
    prompts = prompt if isinstance(prompt, list) else [prompt]
    if prompts and all(type(token) is int for token in prompts):
        tokens, prompts = len(prompts), [prompt]
    elif not prompts or not all(isinstance(each, str) for each in prompts):
        raise wrong_type("prompt", "a string or an array of strings or tokens", prompt)
    else:
        tokens = sum(count_text(model, each) for each in prompts)
    if flag(body, "echo"):
        raise bad_request("'echo' is not supported by this model.", "echo")
    stream, n = flag(body, "stream"), count(body, "n", 1, MAX_CHOICES)
    return Ask(
        model=model,
        content=canonical(model.id, prompt),
        prompt_tokens=fitting(model, tokens, "prompt"),
        max_tokens=min(count(body, "max_tokens", DEFAULT_MAX_TOKENS), model.max_output_tokens),
        n=n * len(prompts),
        stop=stops(body),
        stream=stream,
        include_usage=usage_wanted(body, stream),
    )


def whole(stamp: Stamp, ask: Ask, plan: Plan, usage: Usage) -> Piece:
    """The body of a reply that is not streamed."""
    choices = [
        {"text": each.text, "index": at, "logprobs": None, "finish_reason": each.finish_reason}
        for at, each in enumerate(plan.choices)
    ]
    body = usage.put_on({**_head(stamp, ask), "choices": choices})
    return Piece(orjson.dumps(body), plan.completion_tokens, plan.whole_s, last=True)


def stream(stamp: Stamp, ask: Ask, plan: Plan, usage: Usage) -> Iterator[Piece]:
    """The events of a streamed reply."""
    head, step = _head(stamp, ask), ask.model.tokens_per_chunk
    wait_s = plan.first_token_s
    for index, choice in enumerate(plan.choices):
        ends = range(0, max(len(choice.said), 1), step)
        for at in ends:
            tokens = choice.said[at : at + step]
            finish = choice.finish_reason if at == ends[-1] else None
            part = {"text": "".join(tokens), "index": index, "logprobs": None}
            said = event({**head, "choices": [{**part, "finish_reason": finish}]})
            yield Piece(said, len(tokens), wait_s)
            wait_s = plan.per_token_s * step
    if ask.include_usage and usage.present:
        yield Piece(event({**head, "choices": [], "usage": usage.value}))
    yield Piece(DONE, last=True)


def _head(stamp: Stamp, ask: Ask) -> dict[str, Any]:
    head = {"id": stamp.id, "object": "text_completion", "created": stamp.created}
    return {**head, "model": ask.model.id}

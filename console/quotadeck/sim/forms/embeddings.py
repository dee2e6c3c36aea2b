"""Embeddings: vectors drawn from the texts, and usage that has no output."""

import base64
import hashlib
import struct
from collections.abc import Mapping
from typing import Any

import orjson

from quotadeck.sim.ask import Ask, canonical, count, fitting, wrong_type
from quotadeck.sim.catalogue import Model
from quotadeck.sim.errors import bad_request
from quotadeck.sim.pieces import Piece, Stamp, Usage
from quotadeck.sim.plan import Plan
from quotadeck.sim.tokens import count_text

DIMENSIONS = 8
MAX_DIMENSIONS = 3_072
MAX_INPUTS = 2_048


def parse_embedding(model: Model, body: Mapping[str, Any]) -> Ask:
    """Check everything that decides on the reply."""
    texts = _texts(body.get("input"))
    tokens = sum(len(each) if isinstance(each, list) else count_text(model, each) for each in texts)
    encoding = body.get("encoding_format", "float")
    if encoding not in ("float", "base64"):
        raise bad_request(f"Invalid value: {encoding!r}.", "encoding_format", "invalid_value")
    return Ask(
        model=model,
        content=canonical(model.id, texts),
        prompt_tokens=fitting(model, tokens, "input"),
        max_tokens=1,
        n=0,
        marks=(),
        echo={
            "texts": texts,
            "encoding": encoding,
            "dimensions": count(body, "dimensions", DIMENSIONS, MAX_DIMENSIONS),
        },
    )


def _texts(given: Any) -> list[Any]:
    if given is None:
        raise bad_request("Missing required parameter: 'input'.", "input")
    texts = given if isinstance(given, list) else [given]
    if texts and all(type(each) is int for each in texts):
        texts = [texts]
    if not texts or len(texts) > MAX_INPUTS or not all(isinstance(t, str | list) for t in texts):
        raise wrong_type("input", "a string or an array of strings or tokens", given)
    return texts


def used(plan: Plan) -> dict[str, Any]:
    """The usage object of the form."""
    return {"prompt_tokens": plan.spent.input, "total_tokens": plan.spent.input}


def whole(_: Stamp, ask: Ask, plan: Plan, usage: Usage) -> Piece:
    """The vectors, one a text."""
    data = [
        {"object": "embedding", "index": at, "embedding": _vector(text, ask.echo)}
        for at, text in enumerate(ask.echo["texts"])
    ]
    body = usage.put_on({"object": "list", "data": data, "model": ask.model.id})
    return Piece(orjson.dumps(body), 0, plan.first_token_s, last=True)


def _vector(text: Any, echo: Mapping[str, Any]) -> Any:
    drawn = hashlib.shake_256(orjson.dumps(text)).digest(4 * echo["dimensions"])
    floats = [(each - 2**31) / 2**31 for (each,) in struct.iter_unpack("<I", drawn)]
    if echo["encoding"] == "float":
        return floats
    return base64.b64encode(struct.pack(f"<{len(floats)}f", *floats)).decode()

"""Anthropic's list of models: ``GET /v1/models``, and one of them under its name.

Source: "List Models" and "Get a Model" of Anthropic's API reference. All of them are one page.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from quotadeck.domain.days import MICROS, rfc3339


def model_list(owners: Mapping[str, str], since_s: int, wanted: str = "") -> bytes:
    """All models, or the one ``wanted``; ``since_s`` is when they came, in Unix time."""
    created = rfc3339(since_s * MICROS)
    listed: list[dict[str, Any]] = [
        {
            "type": "model",
            "id": model,
            "display_name": model,
            "created_at": created,
            "lifecycle": "active",
        }
        for model in owners
        if not wanted or model == wanted
    ]
    if wanted:
        return orjson.dumps(listed[0])
    ends = (listed[0]["id"], listed[-1]["id"]) if listed else (None, None)
    page = {"data": listed, "has_more": False, "first_id": ends[0], "last_id": ends[1]}
    return orjson.dumps(page)

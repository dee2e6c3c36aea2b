"""OpenAI's list of models: ``GET /v1/models``, and one of them under its name.

Source: "List models" and "Retrieve model" of OpenAI's API reference.
"""

from collections.abc import Mapping

import orjson


def model_list(owners: Mapping[str, str], since_s: int, wanted: str = "") -> bytes:
    """All models, each with its owner, or the one ``wanted``; ``since_s`` is their age."""
    listed = [
        {"id": model, "object": "model", "created": since_s, "owned_by": owner}
        for model, owner in owners.items()
        if not wanted or model == wanted
    ]
    return orjson.dumps(listed[0] if wanted else {"object": "list", "data": listed})

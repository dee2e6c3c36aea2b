"""What the config file says, as it is put on record: canonical JSON, and no secret in it."""

from dataclasses import fields
from typing import Any, Final

import orjson

from quotadeck.domain.catalogue import Catalogue, Upstream

_TOLD: Final = tuple(field.name for field in fields(Upstream) if field.repr)
"""What stays out of an upstream's repr is a secret."""


def file_layer(catalogue: Catalogue, **more: Any) -> bytes:
    """The catalogue, and what else the file says: JSON with its keys sorted, without blanks."""
    content = {
        **more,
        "projects": catalogue.projects,
        "targets": catalogue.targets,
        "routes": catalogue.routes,
        "upstreams": {
            name: {told: getattr(upstream, told) for told in _TOLD}
            for name, upstream in catalogue.upstreams.items()
        },
    }
    # All that JSON does not know is a set, and a word of ours as a key.
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(content, default=sorted, option=options)

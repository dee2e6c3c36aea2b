"""What a request asks for beyond its own bytes: a table of fields, whichever form they stand in.

A field stands here if providers or gateways are known to obey it; what is none of the client's
form may still be obeyed by an upstream that speaks more than it. Null, false and what is empty ask
for nothing. Sources: OpenAI's and Anthropic's API references; OpenRouter's "Provider routing" and
"Model fallbacks"; xAI's "Live search"; LiteLLM's proxy documentation.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import chain, islice
from typing import Any, Final, TypeVar

import orjson

from quotadeck.dialects.base import NOTHING_BEYOND, Beyond
from quotadeck.domain.refusals import BadField
from quotadeck.domain.tiers import FIELDS as TIERS

CHOOSERS: Final = frozenset(
    {
        *TIERS,
        *("fallbacks", "models", "route", "provider", "preset", "model_list", "deployment_id"),
        *("context_window_fallbacks", "content_policy_fallbacks", "default_fallbacks"),
        *("api_base", "base_url", "api_key", "api_version", "api_type", "azure_endpoint"),
        *("custom_llm_provider", "organization", "user_config", "router_settings_override"),
        *("aws_region_name", "vertex_project", "vertex_location", "vertex_credentials"),
        *("mock_response", "mock_testing_fallbacks", "mock_testing_rate_limit_error"),
        *("extra_headers", "extra_body", "headers", "proxy_server_request"),
    }
)
"""Fields that name a model, an address, a provider, a key or a price tier."""
UNBOUNDED: Final[Mapping[str, str]] = {
    "background": "background",
    "web_search_options": "web_search",
    "search_parameters": "web_search",
    "enable_search": "web_search",
    "plugins": "plugins",
    "data_sources": "data_sources",
    "mcp_servers": "mcp",
    "previous_response_id": "stored_context",
    "conversation": "stored_context",
    "context_management": "context_management",
}
"""Fields by which bytes do not bound a request's cost, each with the word that a config allows it
by. ``background`` is so only where it is asked for, as all."""
IDS: Final[Mapping[str, str]] = {
    "previous_response_id": "response",
    "response_id": "response",
    "conversation": "conversation",
    "conversation_id": "conversation",
    "batch_id": "batch",
    "file_id": "file",
    "file_ids": "file",
    "input_file_id": "file",
    "vector_store_id": "vector_store",
    "vector_store_ids": "vector_store",
    "container": "container",
    "container_id": "container",
}
"""Fields that refer to what was made before, and what that is: by its id, several, or an object
with an ``id``."""
OWN_TOOLS: Final = frozenset({"function", "custom"})
"""Types of tools that the client itself runs."""
_REMOTE: Final = frozenset({"file_url", "document_url"})
_FILE: Final = "file"
_NAMED: Final = CHOOSERS | UNBOUNDED.keys() | IDS.keys()
_COUNT: Final = frozenset(
    {
        *("model", "messages", "input", "prompt", "system", "tools", "stream", "stream_options"),
        *("n", "best_of", "max_tokens", "max_completion_tokens", "max_output_tokens"),
    }
)
"""Fields that are bounded, priced or forwarded by what they say."""
T = TypeVar("T")
_DEPTH: Final = 6
_SHOWN_CHARS: Final = 200
MOST_BEYOND: Final = 1_024
"""Of each kind. All are held against what the config allows, so more are refused and not cut off:
what comes behind a thousand that are allowed need not be."""


def beyond_of(
    fields: Mapping[str, Any],
    parts: Any = None,
    parts_at: str = "",
    own_tools: AbstractSet[str] = OWN_TOOLS,
) -> Beyond:
    """Of a request's members. ``parts`` is what may hold files, at ``parts_at``; None: nothing.

    `NOTHING_BEYOND` itself where it asks for nothing. Raises BadField for more than `MOST_BEYOND`.
    """
    tools = fields.get("tools")
    own = not tools or _all_own(tools, own_tools)
    hosted = [] if own else at_most(_hosted(tools, own_tools), "tools")
    odd = () if "".join(fields).islower() else tuple(_spelled_otherwise(fields))
    if not hosted and not odd and parts is None and _NAMED.isdisjoint(fields):
        return NOTHING_BEYOND
    given = {name: fields[name] for name in fields if name in _NAMED and fields[name]}
    files = [] if parts is None else at_most(_files_in(parts, parts_at), parts_at)
    unbounded = (
        *(_told(name, UNBOUNDED[name]) for name in given if name in UNBOUNDED),
        *(_told(f"tools[{index}]", kind) for index, kind, _ in hosted),
        *(_told(where, kind) for where, kind, _ in files),
    )
    choosers = (*at_most(odd, "its fields"), *(name for name in given if name in CHOOSERS))
    chooses = [(name, value) for name in choosers for value in at_most(_values(fields[name]), name)]
    named = {name: given[name] for name in given if name in IDS}
    refers = (
        *at_most(_ids_in(named), ", ".join(named)),
        *at_most(_ids_in([tool for _, _, tool in hosted]), "tools"),
        *((kind, identity) for _, kind, identity in files if identity),
    )
    return joined([Beyond(unbounded, tuple(chooses), refers)])


def joined(found: Iterable[Beyond]) -> Beyond:
    """What all of them ask for, each thing once; `NOTHING_BEYOND` itself where that is nothing."""
    unbounded, chooses, refers = zip(*found, strict=True)
    beyond = Beyond(
        tuple(chain.from_iterable(unbounded)),
        tuple(dict.fromkeys(chain.from_iterable(chooses))),
        tuple(dict.fromkeys(chain.from_iterable(refers))),
    )
    return beyond if any(beyond) else NOTHING_BEYOND


def at_most(found: Iterable[T], field: str) -> list[T]:
    """All of them. Raises BadField where they are more than `MOST_BEYOND`."""
    taken = list(islice(found, MOST_BEYOND + 1))
    if len(taken) > MOST_BEYOND:
        raise BadField(field, f"ask for more than {MOST_BEYOND:,} things beyond the request")
    return taken


def _spelled_otherwise(fields: Mapping[str, Any]) -> Iterator[str]:
    """Names that only some readers take for the ones that count: Go's take them in any case."""
    for name in fields:
        lower = name.lower()
        if lower != name and (lower in _NAMED or lower in _COUNT):
            yield name


def kind_of_unbounded(told: str) -> str:
    """The word that a config allows it by, of one of ``Beyond.unbounded``."""
    _, bracket, kind = told.rpartition(" (")
    return kind.removesuffix(")") if bracket else told


def _told(name: str, kind: str) -> str:
    return name if name == kind else f"{name} ({kind})"


def _all_own(tools: Any, own: AbstractSet[str]) -> bool:
    """Whether the client runs them all, as with nearly all requests; False where it takes a look
    at each to know."""
    try:
        return {tool["type"] for tool in tools} <= own
    except (TypeError, LookupError):
        return False


def _hosted(tools: Any, own: AbstractSet[str]) -> Iterator[tuple[int, str, Any]]:
    """The tools that the provider runs: their place, their kind, and they themselves."""
    for index, tool in enumerate(tools if isinstance(tools, list) else [tools]):
        if not isinstance(tool, dict):
            yield index, "tool", tool
            continue
        kind = tool.get("type")
        if kind is None and "function" not in tool:
            # Some take {"google_search": {}}; and Anthropic's own tools need no type.
            kind = "custom" if "input_schema" in tool else next(iter(tool), "tool")
        elif kind is None:
            kind = "function"
        if not isinstance(kind, str) or kind not in own:
            yield index, _word(kind), tool


def _word(kind: Any) -> str:
    """``web_search`` of ``web_search_20250305`` and ``web_search_preview``: versions of one."""
    if not isinstance(kind, str):
        return "tool"
    known = ("web_search", "web_fetch", "code_execution", "code_interpreter", "file_search", "mcp")
    return next((word for word in known if word in kind), kind[:_SHOWN_CHARS])


def _values(value: Any) -> Iterator[str]:
    """What a field chooses, as text: the model's name where it is one, else its JSON."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict) and isinstance(one.get("model"), str):
            one = one["model"]
        text = one if isinstance(one, str) else _json(one)
        yield text[:_SHOWN_CHARS]


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a number of more than 64 bits
        return str(value)


def _ids_in(value: Any, depth: int = _DEPTH) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        if depth:
            for inner in value:
                yield from _ids_in(inner, depth - 1)
        return
    if not isinstance(value, dict):
        return
    for name, held in value.items():
        kind = IDS.get(name.lower())
        if kind is not None:
            named = held.get("id") if isinstance(held, dict) else held
            for one in named if isinstance(named, list) else [named]:
                if isinstance(one, str) and one:
                    yield kind, one[:_SHOWN_CHARS]
        if depth and isinstance(held, dict | list):
            yield from _ids_in(held, depth - 1)


def _files_in(parts: Any, at: str, depth: int = _DEPTH) -> Iterator[tuple[str, str, str]]:
    """Files that are not in the request: where they stand, "file" or "remote_file", their id."""
    if not depth:
        return
    if isinstance(parts, list):
        for index, part in enumerate(parts):
            yield from _files_in(part, f"{at}[{index}]", depth - 1)
    elif isinstance(parts, dict):
        for name, held in parts.items():
            if name.lower() == "file_id" and isinstance(held, str) and held:
                yield at, _FILE, held[:_SHOWN_CHARS]
            elif name.lower() in _REMOTE and _is_remote(held):
                yield at, "remote_file", ""
            elif isinstance(held, dict | list):
                yield from _files_in(held, f"{at}.{name}", depth - 1)


def _is_remote(held: Any) -> bool:
    address = held.get("url") if isinstance(held, dict) else held
    return isinstance(address, str) and bool(address) and not address.startswith("data:")

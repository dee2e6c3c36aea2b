"""The demo's gateway configuration, written from the cast of the simulated traffic."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from quotadeck.sim import Character

UPSTREAM = "sim"
FALLBACKS = {
    "claude-opus-4.7": "gpt-4.1",
    "gpt-4.1": "gemini-2.5-flash",
    "gemini-2.5-flash": "deepseek-v3.2",
    "deepseek-v3.2": "gemini-2.5-flash",
}
"""The models of the simulated upstream, each with the one that stands in for it."""


def config_text(base_url: str, socket: Path, characters: Iterable[Character]) -> str:
    """A config file; the upstream's key and the state are beside it."""
    return "\n".join(
        [*_head(base_url, socket), *(line for one in characters for line in _project(one))]
    )


def _head(base_url: str, socket: Path) -> Iterator[str]:
    yield "# Written by `quotadeck demo` for this run; prices and limits are the known models'."
    yield '[gateway]\nname = "demo"\nlisten = "127.0.0.1:0"'
    yield f'socket = {json.dumps(str(socket))}\nstate = "state"\n'
    yield f'[upstreams.{UPSTREAM}]\nbase_url = "{base_url}"\nkey = {{ file = "upstream.key" }}\n'
    for model in FALLBACKS:
        yield f'[targets."{UPSTREAM}/{model}"]'
    yield ""
    for model, fallback in FALLBACKS.items():
        yield f'[routes."{model}"]'
        yield f'targets = ["{UPSTREAM}/{model}", "{UPSTREAM}/{fallback}"]'
    yield ""


def _project(one: Character) -> Iterator[str]:
    yield f"[projects.{one.id}]"
    yield f'name = "{one.name}"\npriority = "{one.priority}"'
    yield f"rpm = {one.rpm}\ntpm = {one.tpm}"
    yield f'daily_budget_usd = "{one.daily_budget_usd}"'
    if one.concurrency is not None:
        yield f"concurrency = {one.concurrency}"
    yield "models = [" + ", ".join(f'"{model}"' for model in one.models) + "]\n"

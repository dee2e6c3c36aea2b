"""The HTTP libraries that SDKs are built on, as far as they are there: loaded when asked for.

`httpx2` is what openai 3 and anthropic 2 take; `httpx` is what came before, and openai 3 takes it
still. They differ in nothing that is used here.
"""

from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

KNOWN: Final = ("httpx2", "httpx")
"""The first that is installed is taken."""
Library = Any
"""One of them: a module."""


@lru_cache
def library(name: str | None = None) -> Library:
    """The library of that name, or the first that is installed. Raises ImportError."""
    if name is not None and name not in KNOWN:
        raise ImportError(f"{name} is none of: {', '.join(KNOWN)}", name=name)
    found = name or next((one for one in KNOWN if find_spec(one)), KNOWN[0])
    return import_module(found)


@lru_cache
def never_sent(of: Library) -> tuple[type[BaseException], ...]:
    """The library's errors after which nothing of a request can have arrived."""
    return (
        of.ConnectError,
        of.ConnectTimeout,
        of.PoolTimeout,
        of.ProxyError,
        of.UnsupportedProtocol,
    )


@lru_cache
def with_stream(of: Library, base: str, reader: type) -> type:
    """A reader of ours as a subclass of the library's stream class, which it insists on."""
    return type(reader.__name__, (reader, getattr(of, base)), {})

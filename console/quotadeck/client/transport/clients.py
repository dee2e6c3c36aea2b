"""Clients of an HTTP library for an SDK's ``http_client``: as the SDK makes them, and managed."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from quotadeck.client.backoff import Backoff
from quotadeck.client.core import Core
from quotadeck.client.quotas import must_be_name, must_be_wait, priority_of
from quotadeck.client.transport.carriers import AsyncTransport, Transport
from quotadeck.client.transport.course import Course
from quotadeck.client.transport.libraries import Library, library
from quotadeck.client.transport.options import ClientOptions
from quotadeck.client.transport.proxies import proxies
from quotadeck.client.want import Bound

if TYPE_CHECKING:
    import httpx2

TIMEOUT_S, CONNECT_S = 600.0, 5.0
MOST_CONNECTIONS, MOST_KEPT = 1_000, 100
"""What the official SDKs give their own clients."""
BACKOFF: Final = Backoff(base_s=0.5)
"""A provider's trouble is tried again sooner than a limit is."""
_OWN: Final = ("library", "priority", "patience", "backoff", "stream_usage", "transport")
_OF_TRANSPORT: Final = ("verify", "cert", "trust_env", "http1", "http2", "limits", "proxy")

_Wrap = Callable[[Any], Any]


def client_for_asyncio(
    core: Core, project: str, options: ClientOptions, beyond: tuple[Bound, ...] = ()
) -> "httpx2.AsyncClient":
    """See `quotadeck.client.manager.QuotaManager`."""
    of = library(options.get("library"))
    course = _course(core, project, options, beyond)
    client: httpx2.AsyncClient = _client(
        of,
        of.AsyncClient,
        of.AsyncHTTPTransport,
        lambda inner: AsyncTransport(course, core, of, inner),
        options,
    )
    return client


def client_for_threads(
    core: Core, project: str, options: ClientOptions, beyond: tuple[Bound, ...] = ()
) -> "httpx2.Client":
    """See `quotadeck.client.sync_manager.SyncQuotaManager`."""
    of = library(options.get("library"))
    course = _course(core, project, options, beyond)
    client: httpx2.Client = _client(
        of,
        of.Client,
        of.HTTPTransport,
        lambda inner: Transport(course, core, of, inner),
        options,
    )
    return client


def _course(core: Core, project: str, options: ClientOptions, beyond: tuple[Bound, ...]) -> Course:
    priority, patience_s = options.get("priority"), options.get("patience")
    must_be_name("a project", project)
    must_be_wait("patience", patience_s)
    return Course(
        core,
        project,
        priority=None if priority is None else priority_of(priority),
        patience_s=patience_s,
        backoff=options.get("backoff", BACKOFF),
        stream_usage=options.get("stream_usage", True),
        beyond=beyond,
    )


def _client(of: Library, client: Any, carrier: Any, wrap: _Wrap, options: Mapping[str, Any]) -> Any:
    given = {name: value for name, value in options.items() if name not in _OWN}
    limits = of.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_KEPT)
    carried = {"limits": limits} | {
        name: given.pop(name) for name in _OF_TRANSPORT if name in given
    }
    if "trust_env" in carried:  # a client's own, too
        given["trust_env"] = carried["trust_env"]
    inner, mounts = options.get("transport"), dict[str, Any]()
    if inner is None:
        inner = carrier(**carried)
        mounts = _by_proxies(of, carrier, carried)
    mounts |= given.pop("mounts", None) or {}
    defaults = {"timeout": of.Timeout(TIMEOUT_S, connect=CONNECT_S), "follow_redirects": True}
    return client(
        transport=wrap(inner),
        mounts={at: None if one is None else wrap(one) for at, one in mounts.items()},
        **(defaults | given),
    )


def _by_proxies(of: Library, carrier: Any, carried: Mapping[str, Any]) -> dict[str, Any]:
    """The environment's proxies, of which a client that is given a transport thinks no more."""
    if carried.get("proxy") is not None or not carried.get("trust_env", True):
        return {}
    return {
        at: None if url is None else carrier(**{**carried, "proxy": of.Proxy(url)})
        for at, url in proxies().items()
    }

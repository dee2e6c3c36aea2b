"""A new connection to a provider: its name resolved, each of its addresses tried, TLS on it."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from typing import Final

from quotadeck.gateway.upstream.client import Unreachable
from quotadeck.gateway.upstream.endpoint import Origin
from quotadeck.gateway.upstream.resolving import Address, Names, Resolve, numeric, resolve
from quotadeck.gateway.upstream.tunnel import NoTunnel, tunnel
from quotadeck.gateway.upstream.wire import Wire

STAGGER_S: Final = 0.25
"""So long an address is tried alone (RFC 8305, 5); then the next one is tried beside it."""
TLS_END_S: Final = 1.0
"""So long a peer may take to say farewell."""


def trusting(ca_file: str) -> ssl.SSLContext:
    """Trusts the authorities in the file; without one the system's, or those that SSL_CERT_FILE or
    SSL_CERT_DIR name."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


class Dialer:
    """Makes connections. ``resolve`` gives a name's addresses."""

    def __init__(self, resolve: Resolve = resolve) -> None:
        self._names = Names(resolve)
        self._tls: dict[str, ssl.SSLContext] = {}
        """By the file of the authorities that are trusted."""

    async def dial(
        self, origin: Origin, name: str, within_s: float, wire: Callable[[], Wire]
    ) -> Wire:
        """A connection for requests. Raises Unreachable, which names the upstream."""
        try:
            async with asyncio.timeout(within_s):
                return await self._dial(origin, wire)
        except TimeoutError:
            whom, why = _behind(origin, name), "it took too long"
        except NoTunnel as error:
            whom, why = _behind(origin, name), str(error)
        except ssl.SSLError as error:
            whom, why = _behind(origin, name), _why(error)
        except (OSError, OverflowError, UnicodeError) as error:
            whom, why = f"the proxy of {name}" if origin.proxy else name, _why(error)
        raise Unreachable(f"no connection to {whom}: {why}")

    async def _dial(self, origin: Origin, wire: Callable[[], Wire]) -> Wire:
        host, port, *_ = origin.proxy or origin
        if not host or not port or not origin.host or not origin.port:
            raise UnicodeError
        left = _mixed(numeric(host, port) or await self._names.addresses(host, port))
        tls = await self._context(origin.ca_file) if origin.tls else None
        while True:
            sock = await _first(left)
            try:
                return await _connected(sock, origin, tls, wire)
            except OSError:
                if not left:
                    raise

    async def _context(self, ca_file: str) -> ssl.SSLContext:
        if ca_file not in self._tls:  # some 30 ms for the system's authorities, once
            self._tls[ca_file] = await asyncio.to_thread(trusting, ca_file)
        return self._tls[ca_file]


def _behind(origin: Origin, name: str) -> str:
    return f"{name} through its proxy" if origin.proxy else name


def _mixed(addresses: Sequence[Address]) -> list[Address]:
    """One of the first one's family, one of the others, and so on: a family may lead nowhere."""
    if not addresses:
        raise socket.gaierror(socket.EAI_NONAME, "its name has no address")
    first = [one for one in addresses if one.family == addresses[0].family]
    others = [one for one in addresses if one.family != addresses[0].family]
    return [one for one in chain(*zip_longest(first, others)) if one is not None]


async def _first(left: list[Address]) -> socket.socket:
    """A connected socket to the first address that answers; what was tried is taken from ``left``.

    Raises the OSError of the address that was tried first.
    """
    if len(left) == 1:
        return await _socket(left.pop())
    trying: dict[asyncio.Task[socket.socket], None] = {}
    failed: list[BaseException] = []
    try:
        while left or trying:
            if left:
                trying[asyncio.ensure_future(_socket(left.pop(0)))] = None
            done, _ = await asyncio.wait(
                trying,
                timeout=STAGGER_S if left else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                if error := task.exception():
                    del trying[task]
                    failed.append(error)
                else:
                    del trying[task]
                    return task.result()
    finally:
        await _drop(trying)
    raise failed[0]


async def _drop(trying: "dict[asyncio.Task[socket.socket], None]") -> None:
    for task in trying:
        task.cancel()
        task.add_done_callback(_close)
    # Once more round the loop, in which they end: nobody else waits for them.
    await asyncio.sleep(0)


def _close(task: "asyncio.Task[socket.socket]") -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _socket(address: Address) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        _keep_alive(sock)
        await asyncio.get_running_loop().sock_connect(sock, address.at)
    except BaseException:
        sock.close()
        raise
    return sock


def _keep_alive(sock: socket.socket) -> None:
    """A long answer may be silent for minutes, after which routers forget a silent connection."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


async def _connected(
    sock: socket.socket, origin: Origin, tls: ssl.SSLContext | None, wire: Callable[[], Wire]
) -> Wire:
    loop = asyncio.get_running_loop()
    try:
        if tls is None:
            _, made = await loop.create_connection(wire, sock=sock)
        else:
            if origin.proxy is not None:
                await tunnel(sock, origin, origin.proxy)
            _, made = await loop.create_connection(
                wire,
                sock=sock,
                ssl=tls,
                server_hostname=origin.host,
                ssl_shutdown_timeout=TLS_END_S,
            )
    except BaseException:
        sock.close()
        raise
    return made


def _why(error: Exception) -> str:
    """In the system's words, which name no address; a certificate's fault by its own."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return "it speaks no TLS that we do"
        case socket.gaierror():
            return error.strerror or "its name is not known"
        case OSError() if error.errno:
            return os.strerror(error.errno)
        case OSError():
            return "it ended the connection"
        case _:
            return "its address is none"

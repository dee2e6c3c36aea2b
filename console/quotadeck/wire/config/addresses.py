"""Addresses in the config file: where we listen, and where requests go."""

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from pydantic import ValidationInfo

from quotadeck.wire.config.table import Mistake, Mistakes

LOOPBACK_NAMES: Final = ("localhost",)
_ENDPOINTS: Final = re.compile(
    r"/(chat/completions|completions|embeddings|responses(/input_tokens)?"
    r"|messages(/count_tokens)?|models)$"
)
"""What follows a base URL, and is written behind it by mistake."""
_A_WORD: Final = re.compile(r"[a-z][a-z0-9._-]{0,31}")
"""A part of a path that is no secret."""
_SHOWN: Final = re.compile(r"[a-z]{1,20}://[A-Za-z0-9.:\[\]-]{1,100}(?=/|$)")
PLAIN_HTTP: Final = (
    "an https address; over a network of your own plain_http = true beside it: then keys, prompts "
    "and answers can be read by all who see the traffic"
)


def listen_address(text: str) -> tuple[str, int]:
    """Host and port of ``127.0.0.1:8080``, ``[::1]:8080`` or ``gw.lan:8080``; else ValueError."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65_535:
        raise ValueError("no port")
    if bracketed:
        ipaddress.IPv6Address(host)
    elif not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252})", host):
        raise ValueError("no host")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether what is sent there stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() in LOOPBACK_NAMES


def host_of(address: str) -> str:
    """The host of an address that was found right; empty where there is none."""
    return urlsplit(address).hostname or ""


def base_address(text: str, beside: ValidationInfo) -> str:
    """The address without its last slash. Raises ValueError where a key could leak on the way, or
    nobody answers."""
    parts = _plain(text)
    if parts.query:
        told = "a query in it (not shown: it may hold a secret)"
        raise Mistakes(Mistake(told, 'the address without it, and query = { NAME = "VALUE" }'))
    root = text.rstrip("/")
    if ending := _ENDPOINTS.search(root):
        right = root[: ending.start()]
        known = all(map(_A_WORD.fullmatch, urlsplit(right).path.split("/")[1:]))
        said = f'"{right}"' if known else "the address without it"
        raise Mistakes(Mistake(f"an endpoint at its end ({ending[0]})", f"{said}: we add the rest"))
    if parts.scheme != "https" and not _may_be_read(parts, beside):
        raise Mistakes(Mistake(shown_address(text), PLAIN_HTTP))
    return root


def proxy_address(text: str | None) -> str | None:
    """``http://HOST:PORT`` without its last slash. Raises ValueError."""
    if text is None:
        raise ValueError("nothing")
    if "@" in text:
        told = "a login in it (not shown)"
        raise Mistakes(Mistake(told, 'the address alone, and proxy_login = { env = "NAME" }'))
    parts = _plain(text)
    if parts.scheme != "http" or parts.path.strip("/") or parts.query:
        raise ValueError("no address of a proxy")
    return text.rstrip("/")


def shown_address(text: str) -> str:
    """Scheme and host in quotes: behind them could stand a secret."""
    host = _SHOWN.match(text)
    return f'"{host[0]}"' if host else "something else (not shown: it may hold a secret)"


def _plain(text: str) -> SplitResult:
    parts = urlsplit(text)
    plain = text.isascii() and text.isprintable() and " " not in text
    if not plain or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise ValueError("not a plain address")
    if parts.scheme not in ("http", "https"):
        raise ValueError("not HTTP")
    if parts.port == 0:  # reading .port raises ValueError for what is no port at all
        raise ValueError("no port")
    return parts


def _may_be_read(parts: SplitResult, beside: ValidationInfo) -> bool:
    if beside.data.get("plain_http"):
        return True
    way = beside.data.get("proxy")
    stays = is_loopback(parts.hostname or "") and (not way or is_loopback(host_of(way)))
    return stays and parts.scheme == "http"

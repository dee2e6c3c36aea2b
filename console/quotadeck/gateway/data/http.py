"""The little of ASGI that the data plane needs: read a body with a cap, send a reply."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from quotadeck.domain.refusals import BodyCut, BodyTooLarge

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]


async def read_body(receive: Receive, headers: dict[bytes, bytes], limit_bytes: int) -> bytes:
    """The whole body, counted as it comes. Raises BodyTooLarge or BodyCut."""
    stated = headers.get(b"content-length", b"0")
    if stated.isdigit() and int(stated[:20]) > limit_bytes:
        raise BodyTooLarge(limit_bytes)
    message = await receive()
    if not message.get("more_body") and message["type"] == "http.request":
        body: bytes = message.get("body", b"")
        if len(body) > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        return body
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise BodyCut
        part = message.get("body", b"")
        size += len(part)
        if size > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


async def send_whole(send: Send, status: int, headers: Iterable[Header], body: bytes) -> None:
    """A reply in one piece."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, (b"content-length", b"%d" % len(body))],
        }
    )
    await send({"type": "http.response.body", "body": body})

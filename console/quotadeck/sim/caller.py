"""One attempt of a simulated application: send, read to the end, say how it ended."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from quotadeck.sim.tally import Fate, Outcome

DONE = b"data: [DONE]"
ADMITTED = Outcome(Fate.ADMITTED)
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=60)


async def call(
    session: aiohttp.ClientSession, url: str, key: str, project: str, body: Mapping[str, Any]
) -> Outcome:
    """Send a chat request once. The project is named, as a key may serve several."""
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "X-Project-Id": project,
    }
    try:
        async with session.post(url, data=orjson.dumps(body), headers=headers) as response:
            if response.status >= 500:
                return Outcome(Fate.FAILED, f"http_{response.status}")
            if response.status >= 400:
                return _refused(response, await response.read())
            if body.get("stream"):
                return await _streamed(response)
            return _whole(await response.read())
    except TimeoutError:
        return Outcome(Fate.FAILED, "timeout")
    except aiohttp.ClientConnectorError:
        return Outcome(Fate.FAILED, "connect")
    except (aiohttp.ClientError, OSError):
        return Outcome(Fate.FAILED, "connection_lost")


async def _streamed(response: aiohttp.ClientResponse) -> Outcome:
    """Whole is what ends with `[DONE]`; only the tail is kept."""
    tail = b""
    try:
        async for data in response.content.iter_any():
            tail = (tail + data)[-64:]
    except (aiohttp.ClientError, TimeoutError):
        return Outcome(Fate.FAILED, "broken_stream")
    return ADMITTED if tail.rstrip().endswith(DONE) else Outcome(Fate.FAILED, "broken_stream")


def _whole(raw: bytes) -> Outcome:
    body = _object(raw)
    return ADMITTED if body.get("choices") else Outcome(Fate.FAILED, "bad_body")


def _refused(response: aiohttp.ClientResponse, raw: bytes) -> Outcome:
    error = _object(raw).get("error")
    error = error if isinstance(error, dict) else {}
    cause = error.get("code") or error.get("type") or f"http_{response.status}"
    hopeless = response.headers.get("x-should-retry") == "false"
    return Outcome(
        Fate.REFUSED,
        str(cause),
        may_retry=response.status == 429 and not hopeless,
        wait_s=_wait_s(response.headers),
    )


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _wait_s(headers: Mapping[str, str]) -> float | None:
    """As the SDKs read it: milliseconds first, then seconds, then a date."""
    if (ms := _number(headers.get("retry-after-ms"))) is not None:
        return ms / 1000
    after = headers.get("Retry-After")
    if (seconds := _number(after)) is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(after or "").timestamp() - time.time())
    except ValueError:
        return None


def _number(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text is not None else None
    except ValueError:
        return None

"""Our own gateway as a source: its admin API over the Unix socket.

httpx and the answers' models are imported when they are first needed: 170 ms that a console
would otherwise spend before its first paint.
"""

import asyncio
import grp
import os
import socket
import stat
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from quotadeck.clock import monotonic_ns
from quotadeck.domain.commands import Command, Role
from quotadeck.domain.snapshot import Snapshot, Whoami
from quotadeck.domain.text import clean
from quotadeck.sources.base import Reading, SourceError, SourceGone
from quotadeck.sources.sse import Events, EventTooLarge
from quotadeck.wire.paths import SocketPathTooLong, find_state, fitting_socket
from quotadeck.wire.stream import HEARTBEAT, Decoder, StreamDamaged

if TYPE_CHECKING:
    import httpx
    from pydantic import BaseModel

    from quotadeck.wire.messages import AuditPage, CallsPage, CommandAnswer, EventsPage, KeysAnswer

CONNECT_S = 2.0
ANSWER_S = 10.0
"""For a whole answer. A command that loosens is synced to disk first: slow, but not this slow."""
SILENCE_S = 10.0
"""The gateway sends a heartbeat every second: ten missing ones are a lost connection."""
START_WORDS = "start it with `quotadeck gateway`"
NEVER_WORDS = "start one with `quotadeck gateway`, or try `quotadeck demo`"
"""The demo is advice for who tries it out, not for who lost a gateway in an incident."""

Answer = TypeVar("Answer", bound="BaseModel")


class GatewaySource:
    """Implements `Source`. Not shared between event loops; close it when done."""

    def __init__(
        self,
        path: Path,
        *,
        silence_s: float = SILENCE_S,
        monotonic_ns: Callable[[], int] = monotonic_ns,
    ) -> None:
        self._path = path
        self._silence_s = silence_s
        self._monotonic_ns = monotonic_ns
        self._http: httpx.AsyncClient | None = None
        self._met = False
        """It has answered us before: it was there, and is gone."""

    @property
    def label(self) -> str:
        """The socket's path."""
        return clean(str(self._path))

    async def stream(self) -> AsyncGenerator[Reading, None]:
        """Readings until the connection ends, is silent for `SILENCE_S`, or sends nonsense."""
        whoami = await self._whoami()
        decoder = Decoder()
        async with aclosing(self._events()) as events:
            async for name, data, received_ns in events:
                snapshot = self._decoded(decoder, name, data)
                yield Reading(snapshot, whoami, received_ns, fresh=name != HEARTBEAT)

    async def snapshot(self) -> Reading:
        """One reading, now."""
        whoami = await self._whoami()
        body = await self._get("snapshot", {})
        received_ns = self._monotonic_ns()
        return Reading(self._decoded(Decoder(), "snapshot", body), whoami, received_ns, fresh=True)

    async def command(self, command: Command, *, dry_run: bool) -> "CommandAnswer":
        """Ask for a change, or for its preview. A refusal is an answer, not an exception."""
        from quotadeck.wire.messages import CommandAnswer
        from quotadeck.wire.translate import request_of

        try:
            body = request_of(command, dry_run=dry_run).model_dump_json(exclude_none=True)
        except ValueError as wrong:
            raise SourceError(
                f"this is no command that could be sent: {_complaint(wrong)}"
            ) from None
        with self._failures("commands"):
            response = await self._client().post(
                "commands", content=body, headers={"content-type": "application/json"}
            )
        if response.is_success or b'"applied"' in response.content:
            return self._read(CommandAnswer, response.content, "commands")
        raise self._refused("commands", response)

    async def audit(
        self, *, limit: int, before_seq: int | None = None, subject: str = ""
    ) -> "AuditPage":
        """The command log, newest first."""
        from quotadeck.wire.messages import AuditPage

        asked = {"limit": limit, "before_seq": before_seq, "subject": subject}
        return self._read(AuditPage, await self._get("audit", asked), "audit")

    async def calls(
        self, *, last: int, project: str = "", model: str = "", outcome: str = ""
    ) -> "CallsPage":
        """The newest calls, oldest first."""
        from quotadeck.wire.messages import CallsPage

        asked = {"last": last, "project": project, "model": model, "outcome": outcome}
        return self._read(CallsPage, await self._get("calls", asked), "calls")

    async def events(self, *, last: int) -> "EventsPage":
        """The newest events, oldest first."""
        from quotadeck.wire.messages import EventsPage

        return self._read(EventsPage, await self._get("events", {"last": last}), "events")

    async def keys(self) -> "KeysAnswer":
        """The project keys, without secrets."""
        from quotadeck.wire.messages import KeysAnswer

        return self._read(KeysAnswer, await self._get("keys", {}), "keys")

    async def close(self) -> None:
        """Let go of the connection; the source can be used again and reconnects."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.aclose()

    def _client(self) -> "httpx.AsyncClient":
        if self._http is None:
            import ssl

            import httpx

            # No TLS on a Unix socket; the default would load the whole CA bundle.
            bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._http = httpx.AsyncClient(
                base_url="http://gateway/admin/v1/",
                transport=httpx.AsyncHTTPTransport(uds=str(self._path), verify=bare),
                timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
                trust_env=False,
            )
        return self._http

    async def _whoami(self) -> Whoami:
        import orjson

        body = await self._get("whoami", {})
        self._met = True
        try:
            told = orjson.loads(body)
            return Whoami(actor=clean(str(told["actor"])), role=Role(told["role"]))
        except (ValueError, KeyError, TypeError):
            raise self._nonsense("whoami") from None

    async def _events(self) -> AsyncGenerator[tuple[str, bytes, int], None]:
        loop, parser = asyncio.get_running_loop(), Events()
        with self._failures("stream", self._silence_s):
            async with self._client().stream("GET", "stream") as response:
                if not response.is_success:
                    await response.aread()
                    raise self._refused("stream", response)
                deadline = loop.time() + self._silence_s
                chunks = response.aiter_raw()
                while True:
                    async with asyncio.timeout_at(deadline):
                        chunk = await anext(chunks, b"")
                    received_ns = self._monotonic_ns()
                    if not chunk:
                        raise SourceGone(f"the gateway at {self.label} ended the stream")
                    events = parser.feed(chunk)
                    for name, data in events:
                        yield name, data, received_ns
                    if events:
                        deadline = loop.time() + self._silence_s

    async def _get(self, path: str, asked: Mapping[str, object]) -> bytes:
        params = {name: str(value) for name, value in asked.items() if value not in (None, "")}
        with self._failures(path):
            response = await self._client().get(path, params=params)
        if not response.is_success:
            raise self._refused(path, response)
        return response.content

    @contextmanager
    def _failures(self, path: str, silence_s: float = ANSWER_S) -> Iterator[None]:
        import httpx

        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as gone:
            why = _why_no_connection(self._path, str(gone), met=self._met)
            raise SourceGone(why) from None
        except (httpx.TimeoutException, TimeoutError):
            raise SourceGone(
                f"the gateway at {self.label} was silent for {silence_s:g} s ({path})"
            ) from None
        except httpx.HTTPError as lost:
            raise SourceGone(
                f"the connection to {self.label} was lost ({path}: {_first_line(lost)})"
            ) from None
        except EventTooLarge as absurd:
            raise SourceError(f"the gateway at {self.label} sent {absurd}") from None

    def _decoded(self, decoder: Decoder, name: str, data: bytes) -> Snapshot:
        try:
            return decoder.apply(name, data)
        except StreamDamaged as damaged:
            raise SourceError(f"{self._nonsense(name)} ({damaged})") from None

    def _read(self, model: type[Answer], body: bytes, path: str) -> Answer:
        try:
            return model.model_validate_json(body)
        except ValueError:
            raise self._nonsense(path) from None

    def _nonsense(self, path: str) -> SourceError:
        return SourceError(
            f"the gateway at {self.label} answered {path} with something this version does not "
            "understand: are console and gateway of the same version?"
        )

    def _refused(self, path: str, response: "httpx.Response") -> SourceError:
        words = f"{path} was answered {response.status_code}"
        try:
            told: Any = response.json()
            words = clean(str(told["error"]), 400)
        except (ValueError, KeyError, TypeError):
            pass
        return SourceError(f"the gateway at {self.label} refused: {words}")


def knock(where: Path) -> None:
    """Raise SourceGone, with why, if nobody takes connections there; costs microseconds."""
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(CONNECT_S)
        until_s = time.monotonic() + CONNECT_S
        while True:
            try:
                door.connect(str(where))
            except BlockingIOError:  # more wait before the door than find room there
                if time.monotonic() < until_s:
                    time.sleep(0.005)
                    continue
                raise SourceGone(f"{clean(str(where))}: too many others connect there") from None
            except OSError as gone:
                raise SourceGone(_why_no_connection(where, str(gone), met=False)) from None
            return


def _complaint(wrong: ValueError) -> str:
    """Pydantic's first complaint: the field, and what is allowed there."""
    from pydantic import ValidationError

    if not isinstance(wrong, ValidationError):
        return _first_line(wrong)
    first = wrong.errors(include_url=False, include_input=False)[0]
    return clean(f"{first['loc'][0]}: {first['msg']}", 200)


def _first_line(error: Exception) -> str:
    return clean(str(error) or type(error).__name__, 120)


def _why_no_connection(path: Path, error: str, *, met: bool) -> str:
    """Which of the usual reasons it is, and what to do about it."""
    where = clean(str(path))
    try:
        mode = fitting_socket(path).stat().st_mode
    except SocketPathTooLong as too_long:
        return clean(str(too_long), 1_000)
    except (FileNotFoundError, NotADirectoryError):
        words = START_WORDS if met or _was_there() else NEVER_WORDS
        return f"there is no gateway at {where} (no such socket): {words}"
    except OSError as closed:
        why = clean(closed.strerror or "", 80)
        return f"you may not look at {where} ({why}): ask to join the group {_group_of(path)}"
    if not stat.S_ISSOCK(mode):
        return f"{where} is not a socket: name the gateway's socket with --socket"
    if not os.access(path, os.R_OK | os.W_OK):
        return f"you may not use {where}: ask to join the group {_group_of(path)}"
    return f"nobody answers at {where} ({clean(error, 80)}): the gateway is gone; {START_WORDS}"


def _was_there() -> bool:
    """Whether a gateway has served from this machine's state folder."""
    with suppress(OSError):
        return (find_state() / "ledger.db").exists()
    return False


def _group_of(path: Path) -> str:
    """The group of the socket, or of the folder that hides it from us."""
    gid = 0
    for place in (path, *path.parents):
        with suppress(OSError):
            gid = place.stat().st_gid
            break
    try:
        return clean(grp.getgrgid(gid).gr_name)
    except KeyError:
        return str(gid)

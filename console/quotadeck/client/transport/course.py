"""What happens to a call in a transport, top to bottom: one course for asyncio and for threads.

It awaits nothing but its `Carrier`, which brings the bytes to the provider and back. A carrier for
threads never suspends, so a thread drives the same coroutine to its end in one step.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from quotadeck.admission.estimator import Estimator
from quotadeck.client.backoff import Backoff
from quotadeck.client.core import Core
from quotadeck.client.errors import PriceUnknown, QuotaError, WrongProcess
from quotadeck.client.providers import Place
from quotadeck.client.reservation import Reservation
from quotadeck.client.transport.paths import endpoint_of
from quotadeck.client.transport.provider import Mark, Provider
from quotadeck.client.transport.rate_headers import limits_told
from quotadeck.client.transport.reading import Reading, Spent, reading_of, tripped
from quotadeck.client.transport.refused import Answer, answer_to, leases_refused
from quotadeck.client.transport.retrying import (
    BUSY,
    Verdict,
    is_error,
    judge,
    passed_on,
    without_lease,
)
from quotadeck.client.transport.sizing import Asked, asked_of, learn
from quotadeck.client.transport.unpacking import Unpacked
from quotadeck.client.want import Bound, Want
from quotadeck.dialects.base import UpstreamSaid
from quotadeck.domain.limits import Priority
from quotadeck.domain.usage import NOTHING_USED, Usage

_WRONG: Final = (400, 422)
_STREAM_USAGE: Final = (b"stream_options", b"include_usage")
_ASKED_FOR: Final = ("chat", "completions")
"""The forms whose streams tell their usage only where the request asks for it."""
_OK: Final = 300
_NOTHING_SAID: Final = UpstreamSaid("", "", None, None)
HOSTS_KEPT: Final = 64
LEASE: Final = "X-Quota-Lease"
OF_A_GATEWAY: Final = "x-project-id"
"""The header by which an answer is a gateway's: all have it but those to an unknown key."""

Request = Any
Response = Any


class Carrier(Protocol):
    """The adapter to one HTTP library, for asyncio or for threads."""

    never_sent: tuple[type[BaseException], ...]
    """The library's errors after which nothing of a request can have arrived."""

    async def content(self, request: Request) -> bytes:
        """The request's whole body."""

    async def admit(self, want: Want) -> Reservation:
        """The reservation, as soon as it is admitted. Raises what an acquire does."""

    async def send(self, request: Request) -> Response:
        """The response, its body unread. Raises the library's errors."""

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""

    async def drain(self, response: Response) -> bytes:
        """The whole body as it was sent. The response keeps it, and its connection is free."""

    def with_body(self, request: Request, body: bytes) -> Request:
        """The same request with another body, whose answer must not be compressed."""

    def with_headers(self, request: Request, headers: Mapping[str, str | None]) -> Request:
        """The same request with these, or without those that are None. The request that came stays
        as it is: what is redirected elsewhere is that."""

    def read_by(self, response: Response, reading: Reading, done: Callable[[], None]) -> Response:
        """The same response, whose body passes through ``reading`` as it is read; ``done`` is
        called once when it ends, however it does."""

    def answer(self, request: Request, answer: Answer) -> Response:
        """An answer of ours, as the library's response."""


class _Call(NamedTuple):
    """What one call asks for, and of whom.

    ``at_home``: it goes to the gateway that holds the state, and names its lease there. Nothing is
    learned of that one's headers: they tell what is left beside the leases.
    """

    asked: Asked
    provider: Provider
    at_home: bool


class _Sent(NamedTuple):
    """One attempt: what it holds, the reply and its headers, and the lease that it has named;
    empty: none."""

    reservation: Reservation
    response: Response
    headers: dict[str, str]
    lease: str


class Course:
    """The course of the calls of one client, with what they learn for each other."""

    def __init__(
        self,
        core: Core,
        project: str,
        *,
        priority: Priority | None,
        patience_s: float | None,
        backoff: Backoff,
        stream_usage: bool,
        beyond: tuple[Bound, ...],
    ) -> None:
        self._core, self._project, self._priority = core, project, priority
        self._patience_s, self._backoff = patience_s, backoff
        self._stream_usage, self._beyond = stream_usage, beyond
        self._estimator = Estimator()
        self._without_usage: deque[str] = deque(maxlen=HOSTS_KEPT)
        """The last hosts that refused a request because it asked for its stream's usage."""

    async def run(self, carrier: Carrier, request: Request) -> Response:
        """The provider's answer, or a refusal of ours in its words.

        Raises what the HTTP library does; PriceUnknown and WrongProcess, which are the program's
        own mistakes.
        """
        endpoint = endpoint_of(_path(request)) if request.method == "POST" else None
        if endpoint is None:
            return await carrier.send(request)
        body = await carrier.content(request)
        headers, prices = request.headers.raw, self._core.prices
        asked = asked_of(endpoint, body, headers, self._project, self._estimator, prices)
        url = request.url
        host = url.host if url.port is None else f"{url.host}:{url.port}"
        provider = self._provider(host, asked)
        try:
            at_home = self._core.is_at(url.scheme, url.host, url.port, _path(request))
            call = _Call(asked, provider, at_home)
            return await self._called(carrier, request, host, body, call)
        finally:
            self._core.providers.end(provider)

    async def _called(
        self, carrier: Carrier, request: Request, host: str, body: bytes, call: _Call
    ) -> Response:
        asked, provider, _ = call
        patience_s = self._patience(request)
        want = self._core.want(
            self._project, asked.estimate, self._priority, patience_s, (*self._beyond, provider)
        )
        until_ns = None if patience_s is None else self._now_ns() + int(patience_s * 1e9)
        outgoing, own_usage = self._outgoing(carrier, request, host, body, asked)
        tried = 0
        while True:
            try:
                sent = await self._send(carrier, outgoing, call, want)
            except (PriceUnknown, WrongProcess):
                raise
            except QuotaError as refusal:
                return carrier.answer(request, answer_to(refusal, asked.dialect))
            response = sent.response
            if not is_error(response.status_code):
                return self._answered(carrier, sent, asked, want, own_usage=own_usage)
            try:
                body = await carrier.drain(response)
            finally:
                sent.reservation.settle(NOTHING_USED)
            if own_usage and _refuses_usage(response.status_code, body):
                self._without_usage.append(host)
                outgoing, own_usage = request, False
                continue
            tried += 1
            said = _said(sent, asked, body)
            is_over = sent.lease and str(said.code).startswith("lease_")
            if is_over:
                self._core.lease_over(self._project, sent.lease)
                verdict = without_lease(tried, self._backoff)
            else:
                verdict = self._judge(sent, said, tried, provider)
            wait_ms, left_s = verdict.wait_ms, self._left_s(until_ns)
            if wait_ms is None or (left_s is not None and left_s * 1_000 < wait_ms):
                if is_over:
                    why = leases_refused(self._core.address, self._project, tried, said.message)
                    return carrier.answer(request, answer_to(why, asked.dialect))
                return _told_once(response, verdict)
            if not verdict.pause_ms:
                await carrier.sleep(wait_ms / 1_000)
                left_s = self._left_s(until_ns)
            want = want._replace(timeout_s=left_s)

    async def _send(self, carrier: Carrier, outgoing: Request, call: _Call, want: Want) -> _Sent:
        """One attempt. Raises QuotaError where it is not admitted, and the library's errors, after
        which it holds nothing."""
        asked, provider, at_home = call
        reservation = await carrier.admit(want)
        mark = provider.sent(asked.estimate.tokens)
        reservation.sent()
        lease = ""
        if at_home:
            named = reservation.headers
            lease = named.get(LEASE, "").partition(";")[0]
            outgoing = carrier.with_headers(outgoing, {LEASE: None, **named})
        try:
            response = await carrier.send(outgoing)
            headers = _heads(response)
            there = OF_A_GATEWAY in headers
            if there or not (at_home and is_error(response.status_code)):
                self._core.counted(want, reservation.id, there=there)
            if not (at_home or there):
                self._learn(provider, mark, headers)
        except BaseException as error:
            if isinstance(error, carrier.never_sent):
                reservation.release()
            else:
                reservation.settle()  # it may be billed
            raise
        return _Sent(reservation, response, headers, lease)

    def _learn(self, provider: Provider, mark: Mark, headers: dict[str, str]) -> None:
        try:
            provider.learn(mark, limits_told(headers, self._core.clock.wall_us()))
        except Exception as error:  # noqa: BLE001 -- see `tripped`
            tripped("a reply's limits", error)

    def _judge(self, sent: _Sent, said: UpstreamSaid, tried: int, provider: Provider) -> Verdict:
        """What becomes of an error. A pause that the provider asks for holds back all its calls."""
        status = sent.response.status_code
        verdict = judge(status, sent.headers, said, tried, self._backoff)
        if status == BUSY:
            provider.refused += 1
        if verdict.pause_ms:
            provider.pause(verdict.pause_ms)
        return verdict

    def _answered(
        self,
        carrier: Carrier,
        sent: _Sent,
        asked: Asked,
        want: Want,
        *,
        own_usage: bool,
    ) -> Response:
        reservation, response, headers, _ = sent
        if asked.ask is None or response.status_code >= _OK:
            # What nobody can read is charged as estimated; a redirection has used nothing.
            reservation.settle(None if response.status_code < _OK else NOTHING_USED)
            return response
        reading = reading_of(asked.dialect, asked.ask, headers, own_usage=own_usage)

        def done() -> None:
            self._settle(reservation, asked, want, reading.spent())

        return carrier.read_by(response, reading, done)

    def _settle(self, reservation: Reservation, asked: Asked, want: Want, spent: Spent) -> None:
        usage = spent.usage
        if usage is not None:
            reservation.settle(usage, model=asked.model)
            learn(self._estimator, self._project, asked, usage)
        elif spent.output_tokens:
            # Less than was held might be less than is billed: a budget would be passed.
            usage = Usage(want.estimate.input_tokens, 0, spent.output_tokens, is_estimate=True)
            cost = max(self._core.cost_nano(asked.model, usage) or 0, want.cost_nano)
            reservation.settle(usage, cost_nano=cost)
        else:
            reservation.settle()

    def _outgoing(
        self, carrier: Carrier, request: Request, host: str, body: bytes, asked: Asked
    ) -> tuple[Request, bool]:
        """The request to send, and whether it asks for a usage that the client did not ask for."""
        ask = asked.ask
        if ask is None or not ask.stream or asked.dialect.form not in _ASKED_FOR:
            return request, False
        if not self._stream_usage or host in self._without_usage:
            return request, False
        more = asked.dialect.forward(ask, ask.model)
        return (request, False) if more == body else (carrier.with_body(request, more), True)

    def _provider(self, host: str, asked: Asked) -> Provider:
        """Whoever is given it ends it."""
        with self._core.lock:  # under which others go through all providers
            return self._core.providers.begin(Place(host, asked.model, asked.key), self._make)

    def _make(self, name: str) -> Provider:
        return Provider(name, self._core)

    def _now_ns(self) -> int:
        return self._core.clock.monotonic_ns()

    def _left_s(self, until_ns: int | None) -> float | None:
        """Seconds until this instant, which ends what a call may wait in all; None: it has none."""
        return None if until_ns is None else max(0.0, (until_ns - self._now_ns()) / 1e9)

    def _patience(self, request: Request) -> float | None:
        """Seconds that a call may wait in line: as many as for a connection of the library's pool,
        where the client's options say nothing."""
        if self._patience_s is not None:
            return self._patience_s
        timeout = request.extensions.get("timeout") or {}
        pool: float | None = timeout.get("pool")
        return pool


def _path(request: Request) -> str:
    path: bytes = request.url.raw_path
    return path.partition(b"?")[0].decode("latin-1")


def _heads(response: Response) -> dict[str, str]:
    return {
        name.lower().decode("latin-1"): value.decode("latin-1")
        for name, value in response.headers.raw
    }


def _said(sent: _Sent, asked: Asked, body: bytes) -> UpstreamSaid:
    plain = Unpacked(sent.headers.get("content-encoding", "")).feed(body)
    try:
        return asked.dialect.error(plain)
    except Exception as error:  # noqa: BLE001 -- see `tripped`
        tripped("an error", error)
        return _NOTHING_SAID


def _refuses_usage(status: int, said: bytes) -> bool:
    return status in _WRONG and any(name in said for name in _STREAM_USAGE)


def _told_once(response: Response, verdict: Verdict) -> Response:
    for name, value in passed_on(verdict).items():
        if value is not None:
            response.headers[name] = value
        elif name in response.headers:
            del response.headers[name]
    return response

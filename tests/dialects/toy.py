"""A dialect that is nothing like OpenAI's: lines of ``name=value``, and streams of ``+``, ``=``.

A request is lines (``talk=MODEL``, ``live=yes``, ``most=N``, ``says=TEXT``); a reply the same
(``ref``, ``took``, ``gave``, ``said``); a stream has a line an event: ``ref ID``, ``+ text``,
``= TOOK GAVE``, ``! KIND words``, ``$ COST``, and ``.`` for its end. A refusal
is ``no=CODE`` and ``words=``. It shows that nothing outside of a dialect knows one.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from quotadeck.dialects.base import Ask, Dialect, ErrorReply, NotAnAnswer, Read, Relay, UpstreamSaid
from quotadeck.dialects.head import wait_lines
from quotadeck.domain.refusals import BadField, NotJson, RateLevel, Refusal, UpstreamRefused
from quotadeck.domain.text import clean
from quotadeck.domain.usage import Usage

_HEAD: Final = b"content-type: text/x-toy\r\n"
_STREAM_HEAD: Final = b"content-type: text/x-toy-lines\r\n"
_STATUS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("KeyMissing", "KeyMalformed", "KeyUnknown", "KeyRevoked"), 401),
    **dict.fromkeys(("LimitReached", "BudgetSpent"), 429),
    **dict.fromkeys(("NoSuchPath", "UnknownModel"), 404),
    **dict.fromkeys(("UpstreamFailed",), 502),
    **dict.fromkeys(
        (
            *("LedgerUnavailable", "Draining", "AnswerCut"),
            *("TooManyRequests", "BodiesTooLarge"),
        ),
        503,
    ),
}


class ToyRelay:
    """The stream of `Toy`."""

    def __init__(self) -> None:
        self.begun = False
        self.done = False
        self.error: UpstreamSaid | None = None
        self.broken = ""
        self.deltas = 0
        self.response_id = ""
        self.made: tuple[tuple[str, str], ...] = ()
        self._pending = b""
        self._usage: Usage | None = None

    @property
    def ended(self) -> bool:
        return self.done or self.error is not None or bool(self.broken)

    @property
    def usage(self) -> Usage | None:
        return self._usage

    def feed(self, chunk: bytes) -> bytes:
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        return b"".join(self._pass(line) for line in lines if not self.ended)

    def close(self) -> bytes:
        return b""

    def terminal(self, cost_usd: str | None) -> bytes:
        return b".\n" if cost_usd is None else b"$ %b\n.\n" % cost_usd.encode()

    def _pass(self, line: bytes) -> bytes:
        sign, _, rest = line.decode("utf-8", "replace").partition(" ")
        if sign == ".":
            self.done = True
            return b""
        if sign == "!":
            kind, _, words = rest.partition(" ")
            self.error = UpstreamSaid(words, kind, None, None)
            return b""
        if sign == "=":
            self._usage = _usage(*rest.partition(" ")[::2])
        elif sign == "ref":
            self.response_id = clean(rest)
        elif sign == "+":
            self.deltas += 1
        elif sign != "$":
            self.broken = "it sent a line that is no toy's"
            return b""
        self.begun = True
        return line + b"\n"


class Toy:
    form = "toy"
    endpoints: Mapping[str, str] = MappingProxyType({"/toy/say": "/say"})
    listing = "/toy/talks"
    known_by = b""
    id_lines = b"x-request-id: %(id)b\r\n"
    whole_head = _HEAD
    stream_head = _STREAM_HEAD

    def models(self, owners: Mapping[str, str], since_s: int, wanted: str) -> bytes:  # noqa: ARG002
        return _lines({name: of for name, of in owners.items() if wanted in ("", name)})

    def parse(self, path: str, body: bytes, headers: Mapping[bytes, bytes]) -> Ask:  # noqa: ARG002
        fields = _fields(body)
        if fields is None:
            raise NotJson("it is not lines of name=value")
        for name in ("talk", "says"):
            if not fields.get(name):
                raise BadField(name, "is missing")
        most = fields.get("most", "")
        if most and not (most.isdigit() and 0 < int(most) < 10_000_000):
            raise BadField("most", "must be from 1 to 10,000,000")
        size = len(body)
        return Ask(
            model=fields["talk"],
            stream=fields.get("live") == "yes",
            max_tokens=int(most) if most else None,
            choices=1,
            text_bytes=size,
            media=0,
            media_tokens=0,
            input_bound=size,
            costs_more=False,
            retry=0,
            body=fields,
        )

    def path(self, path: str) -> str:
        return self.endpoints[path]

    def forward(self, ask: Ask, model: str, *, stream_usage: bool = True) -> bytes:  # noqa: ARG002
        return _lines({**ask.body, "talk": model})

    def asks_with(self, key: str) -> tuple[tuple[bytes, bytes], ...]:
        return (b"content-type", b"text/x-toy"), (b"x-toy-pass", key.encode())

    def reply(self, body: bytes) -> Read:
        fields = _fields(body)
        if fields is None or "said" not in fields:
            raise NotAnAnswer("its reply is not a toy's")
        usage = _usage(fields.get("took", ""), fields.get("gave", ""))
        return Read(usage, clean(fields.get("ref", "")), body)

    def lines(self, ask: Ask) -> str:  # noqa: ARG002
        return ""

    def relay(self, ask: Ask) -> Relay:  # noqa: ARG002
        return ToyRelay()

    def refusal(self, refusal: Exception, request_id: str = "") -> ErrorReply:  # noqa: ARG002
        status, told = _told(refusal)
        head = _HEAD
        if isinstance(refusal, Refusal):
            head += wait_lines(refusal.wait_ms) + self.rates(refusal.rates)
        return ErrorReply(status, head, told)

    def error(self, body: bytes) -> UpstreamSaid:
        fields = _fields(body) or {}
        return UpstreamSaid(fields.get("words", ""), fields.get("no", ""), None, None)

    def to_stream(self, body: bytes, ask: Ask) -> bytes:  # noqa: ARG002
        fields = _fields(body) or {}
        lines = [f"ref {fields.get('ref', '')}", f"+ {fields.get('said', '')}"]
        if "took" in fields:
            lines.append(f"= {fields['took']} {fields.get('gave', '')}")
        lines.append(".")
        return "".join(line + "\n" for line in lines).encode()

    def to_whole(self, events: bytes) -> bytes:
        fields = {"ref": "", "said": ""}
        for line in events.decode().splitlines():
            sign, _, rest = line.partition(" ")
            if sign == "ref":
                fields["ref"] = rest
            elif sign == "+":
                fields["said"] += rest
            elif sign == "=":
                fields["took"], _, fields["gave"] = rest.partition(" ")
        return _lines(fields)

    def error_event(self, refusal: Exception, cost_usd: str | None) -> bytes:
        cost = b"" if cost_usd is None else b"$ %b\n" % cost_usd.encode()
        return cost + b"! " + _told(refusal)[1].replace(b"\n", b" ") + b"\n"

    def rates(self, rates: Iterable[RateLevel]) -> bytes:
        return b"".join(b"x-toy-left: %d\r\n" % (rate.level // 1_000_000) for rate in rates)


def _told(refusal: Exception) -> tuple[int, bytes]:
    if isinstance(refusal, UpstreamRefused):
        told = {"no": refusal.kind or "Upstream", "words": refusal.message}
        return refusal.status, _lines(told)
    if not isinstance(refusal, Refusal):
        return 500, _lines({"no": "Fault", "words": "A fault of the gateway."})
    kind = type(refusal).__name__
    facts = [f"{name}: {clean(str(value))}" for name, value in vars(refusal).items()]
    return _STATUS.get(kind, 400), _lines({"no": kind, "words": "; ".join(facts) or kind})


def _fields(body: bytes) -> dict[str, str] | None:
    try:
        pairs = [line.partition("=") for line in body.decode().splitlines()]
    except UnicodeDecodeError:
        return None
    return {name: value for name, _, value in pairs} if all(sign for _, sign, _ in pairs) else None


def _lines(fields: Mapping[str, str]) -> bytes:
    return "".join(f"{name}={value}\n" for name, value in fields.items()).encode()


def _usage(took: str, gave: str) -> Usage | None:
    return Usage(int(took), 0, int(gave)) if took.isdigit() and gave.isdigit() else None


TOY: Final[Dialect] = Toy()

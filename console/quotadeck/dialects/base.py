"""What the gateway asks of a provider's protocol: four verbs, and its way to say no.

A dialect does no I/O and knows no target: it reads the client's request, writes the upstream's,
reads the reply, whole or as a stream, and words refusals. Whoever carries the bytes knows none of
its fields.

The four verbs towards the upstream are a `Translator`'s. A dialect is one itself, for upstreams
that speak as the client does; between two forms a translator of its own stands.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from quotadeck.domain.refusals import RateLevel
from quotadeck.domain.usage import Usage


class Beyond(NamedTuple):
    """What a request asks for beyond its own bytes, as its fields name it.

    ``unbounded`` are the fields by which its bytes do not bound what it costs, such as
    ``background`` or ``tools[0] (web_search)``. ``chooses`` are (field, value) that name a model,
    an address, a provider or a price tier. ``refers`` are (kind, id) of what was made before:
    a ``response``, ``conversation``, ``file``, ``batch``, ``vector_store``.
    """

    unbounded: tuple[str, ...] = ()
    chooses: tuple[tuple[str, str], ...] = ()
    refers: tuple[tuple[str, str], ...] = ()


NOTHING_BEYOND: Final = Beyond()
"""The one of most requests: told apart by identity."""


class Ask(NamedTuple):
    """A checked request, as far as anybody but its dialect needs to know.

    ``max_tokens`` is the most output tokens of one choice, None where the client named none.
    ``text_bytes`` is the body's size less the media in it; ``media`` counts images, sounds and
    files, and ``media_tokens`` is what they are taken for. No tokenizer makes more than
    ``input_bound`` input tokens of it. ``costs_more``: it asks for what is charged beside the
    prices for tokens; ``reserve_nano`` dollars are held for what of it nothing bounds. ``retry`` is
    how often the client tried before. ``body`` is the dialect's own.
    """

    model: str
    stream: bool
    max_tokens: int | None
    choices: int
    text_bytes: int
    media: int
    media_tokens: int
    input_bound: int
    costs_more: bool
    retry: int
    body: Any
    beyond: Beyond = NOTHING_BEYOND
    reserve_nano: int = 0


class Read(NamedTuple):
    """What a whole reply says of itself. ``usage`` is None where none came that can be believed.

    ``response_id`` is cleaned, and empty where it has none. ``body`` is what the client gets: the
    upstream's own where nothing is to be changed. ``made`` are (kind, id) as in `Beyond`: from now
    on they belong to the project.
    """

    usage: Usage | None
    response_id: str
    body: bytes
    made: tuple[tuple[str, str], ...] = ()


class ErrorReply(NamedTuple):
    """A refusal as sent. ``head`` is ``name: value\\r\\n`` lines, without the content's length."""

    status: int
    head: bytes
    body: bytes


class UpstreamSaid(NamedTuple):
    """An upstream's error in its own words: raw, so it may quote a key of ours. All may be empty.

    The caller hides the keys, then cleans and cuts what it passes on. ``status`` is the one that
    the error tells of itself, where it came as an answer; 0 where it tells none.
    """

    message: str
    kind: str
    code: str | None
    param: str | None
    status: int = 0


class NotAnAnswer(Exception):
    """A reply's body is none of the dialect; its text says why, for people.

    ``said`` is the error that it is instead, where it is one; ``usage`` what it tells that was used
    all the same, and is billed.
    """

    def __init__(
        self, why: str, said: UpstreamSaid | None = None, usage: Usage | None = None
    ) -> None:
        super().__init__(why)
        self.said = said
        self.usage = usage


class Relay(Protocol):
    """A stream on its way to the client, read in passing. Feed it what the upstream sends.

    The terminal event is kept back: the call's record is written before the last byte leaves.
    """

    begun: bool
    """An event of the answer has come, after which its status is decided."""
    done: bool
    """The answer is whole."""
    error: UpstreamSaid | None
    """The upstream's own error, if it sent one in the stream."""
    broken: str
    """Why what it sends is no stream of the dialect; empty as long as it is one."""
    deltas: int
    """Events with content, about a token each."""
    response_id: str
    made: tuple[tuple[str, str], ...]
    """(kind, id) that it made and that belong to the project, as in `Read`."""

    @property
    def ended(self) -> bool:
        """Whether anything else that comes is of no use."""

    @property
    def usage(self) -> Usage | None:
        """None where it is absent or cannot be believed."""

    def feed(self, chunk: bytes) -> bytes:
        """What the client should get of the events that ``chunk`` completes."""

    def close(self) -> bytes:
        """The upstream has ended: what of it the client should get still."""

    def terminal(self, cost_usd: str | None) -> bytes:
        """The end of a stream that is ``done``, with what it cost in dollars, if it is to tell."""


class Translator(Protocol):
    """The upstream's side of a request: a value without state, shared by all requests."""

    def path(self, path: str) -> str:
        """The path under the upstream's base URL for a request that came to the client's."""

    def asks_with(self, key: str) -> tuple[tuple[bytes, bytes], ...]:
        """The headers of requests to an upstream with this key, which may be empty."""

    def lines(self, ask: Ask) -> str:
        """Further header lines of this very request, each behind the end of the one before it."""

    def forward(self, ask: Ask, model: str, *, stream_usage: bool = True) -> bytes:
        """The body for an upstream that calls the model ``model``.

        Where the client named no ``max_tokens``, the ask's is what the target gives at most, if
        that is known: for forms that must have a bound.
        ``stream_usage``: whether it may be asked for a stream's usage, where that has to be asked
        for. Raises BadField for what the upstream's form cannot say.
        """

    def reply(self, body: bytes) -> Read:
        """Read a whole reply. Raises NotAnAnswer."""

    def relay(self, ask: Ask) -> Relay:
        """The relay of the stream that answers ``ask``."""

    def error(self, body: bytes) -> UpstreamSaid:
        """What an upstream's reply that is no answer says."""


class Dialect(Translator, Protocol):
    """A form of a provider's protocol, as its clients speak it.

    Towards upstreams that speak it too, it translates nothing.
    """

    form: str
    """Its name, as an upstream's ``speaks`` lists it."""

    known_by: bytes
    """A header (in lower case) by which its clients are known where the path does not tell."""

    @property
    def id_lines(self) -> bytes:
        """Header lines that name a request: a template, with ``%(id)b`` for its id."""

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The client's paths, each with the path under the upstream's base URL."""

    @property
    def listing(self) -> str:
        """The client's path that lists the models, below it each of them; empty: there is none."""

    @property
    def whole_head(self) -> bytes:
        """Header lines of a whole answer, and of a listing, that say what it is."""

    @property
    def stream_head(self) -> bytes:
        """Header lines of an answer as a stream that say what it is."""

    def models(self, owners: Mapping[str, str], since_s: int, wanted: str) -> bytes:
        """The listing of these models, each with its owner, or of the one that is ``wanted``.

        They are there since ``since_s``, in seconds of Unix time.
        """

    def parse(self, path: str, body: bytes, headers: Mapping[bytes, bytes]) -> Ask:
        """Check a request; ``headers`` by lower-case name. Raises NotJson or BadField."""

    def refusal(self, refusal: Exception, request_id: str = "") -> ErrorReply:
        """The reply for a refusal, its rates included; what is no refusal is a fault of ours.

        ``request_id`` is for the body of those who look for it there.
        """

    def to_stream(self, body: bytes, ask: Ask) -> bytes:
        """The events of a whole answer, the terminal one too, as an upstream would send them."""

    def to_whole(self, events: bytes) -> bytes:
        """The whole answer that a stream's events tell, its usage too.

        The events are those of a relay that has ended well, the terminal one too.
        """

    def error_event(self, refusal: Exception, cost_usd: str | None) -> bytes:
        """A refusal in the middle of a stream, its last event; the cost where it is known."""

    def rates(self, rates: Iterable[RateLevel]) -> bytes:
        """Header lines that tell the project's own rates."""


Translations = Mapping[tuple[str, str], Translator]
"""By the client's form and the upstream's."""

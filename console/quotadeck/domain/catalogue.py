"""What is configured: projects, upstream targets, routes, roles. The file layer, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from quotadeck.domain.commands import Field
from quotadeck.domain.limits import Priority
from quotadeck.domain.price import Price
from quotadeck.domain.rules import LimitKind
from quotadeck.domain.subject import Subject, SubjectKind


@dataclass(frozen=True, slots=True)
class Allow:
    """What a project's requests may ask for beyond their own bytes; at rest nothing.

    ``unbounded`` are words such as "web_search"; each such request holds ``reserve_nano`` dollars
    more. ``fields`` are names of body fields with the values that they may have, "*" being any.
    ``ids`` are ids that were not made here, "*" being all.
    """

    unbounded: frozenset[str] = frozenset()
    reserve_nano: int = 0
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Project:
    """A team's unit. The id never changes; absent limits bind nothing."""

    id: str
    name: str
    priority: Priority = Priority.MEDIUM
    zone: str = "UTC"
    limits: Mapping[Field, int] = field(default_factory=dict)
    """In their own units: a minute's requests or tokens, slots, nano-dollars a day."""
    models: tuple[str, ...] = ()
    """The models it may ask for; empty means all."""
    shadow: frozenset[LimitKind] = frozenset()
    allow: Allow = Allow()
    on_leave: str = "finish"
    """What becomes of a request for a whole answer whose client hangs up: "finish" or "cancel"."""
    cost_comment: bool = True
    """Whether its streams tell what they cost, in a comment."""

    def of_class(self, word: str) -> "Project":
        """The project in the class that it was given for a while; "" is its own."""
        return replace(self, priority=Priority.named(word)) if word else self


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider's endpoint. What is no field of its repr holds secrets, or may: it stays out of
    every representation, the recorded one too.
    """

    name: str
    base_url: str
    key: str = field(repr=False)
    timeout_s: float = 600.0
    speaks: tuple[str, ...] = ()
    """The forms of requests that it takes, the one to translate to first; empty: whichever."""
    provider: str = ""
    """Whose rules and prices hold there, as `quotadeck.domain.providers` calls it; empty: none
    that is known."""
    stream_usage: str = "auto"
    """Whether streams are asked for their usage: "always", "never", or "auto": until it refuses."""
    bills_delivered: bool = False
    """It bills only what it delivered: a stream that was left costs what had come."""
    price: str = "list"
    """What is booked of its calls: by the "list", or by the "upstream" itself, where it says so."""
    drift_percent: int = 2
    """More than so far apart the two are told."""
    plain_http: bool = False
    """What goes there may travel readable."""
    proxy: str = ""
    """The http proxy on the way there, ``http://HOST:PORT``; empty: none."""
    ca_file: str = ""
    """The authorities that are trusted there in place of the machine's; an absolute path."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Sent with every request."""
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Behind the path of every request."""
    proxy_login: str = field(default="", repr=False)
    """``USER:PASSWORD`` for the proxy."""
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """What is kept out of all words besides the key."""


@dataclass(frozen=True, slots=True)
class Target:
    """A model at an upstream, where catalogue limits and prices belong; its id: upstream/model."""

    id: str
    upstream: str
    model: str
    price: Price
    limits: Mapping[Field, int] = field(default_factory=dict)
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    booked_by: str = ""
    """What is booked of its calls, where that is not its upstream's ``price``."""


@dataclass(frozen=True, slots=True)
class Route:
    """A model's ordered targets: the first, then its fallbacks."""

    model: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything the config file says about the field, by id, in the file's order."""

    projects: Mapping[str, Project]
    upstreams: Mapping[str, Upstream]
    targets: Mapping[str, Target]
    routes: Mapping[str, Route]

    def has(self, subject: Subject) -> bool:
        """Whether there is such a project, model or target."""
        kind, name = subject
        match kind:
            case SubjectKind.PROJECT:
                return name in self.projects
            case SubjectKind.MODEL:
                return name in self.routes
            case SubjectKind.TARGET:
                return name in self.targets
            case _:
                return False

    def names(self, kind: SubjectKind) -> tuple[str, ...]:
        """The names of a kind of subject, in the file's order; none of kinds that it has not."""
        match kind:
            case SubjectKind.PROJECT:
                return tuple(self.projects)
            case SubjectKind.MODEL:
                return tuple(self.routes)
            case SubjectKind.TARGET:
                return tuple(self.targets)
            case _:
                return ()

"""The config file's tables as pydantic models: what each key may hold, and what it means.

A field's docstring is its meaning in the reference; its `Allowed` words stand there and in errors.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from quotadeck.domain.limits import REQUEST_WINDOW_S, TOKEN_WINDOW_S
from quotadeck.wire.config.addresses import listen_address
from quotadeck.wire.config.allow_table import AllowTable
from quotadeck.wire.config.table import Allowed, Default, One, PathText, PerMinute, Table, Usd
from quotadeck.wire.config.target_table import LongTable, TargetTable, TierTable
from quotadeck.wire.config.upstream_table import UpstreamTable

SLUG = r"[a-z0-9][a-z0-9._-]{0,62}"
MODEL = r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}"


Slots = Annotated[int | None, Field(ge=1, le=100_000), Allowed("a whole number from 1 to 100_000")]
WindowS = Annotated[int, Field(ge=1, le=300), Allowed("a whole number of seconds from 1 to 300")]
"""Longer windows could hold more micro-units than a 64-bit integer, which the wire and SQLite use.
"""
Name = Annotated[str | None, Field(min_length=1, max_length=80)]
Origin = Annotated[
    str,
    Field(
        pattern=r"^(\*|https?://[A-Za-z0-9.\[\]:-]{1,253}|[a-z][a-z0-9+.-]{1,30}://[^\s/]{0,200})$"
    ),
]
Principal = Annotated[str, Field(pattern=r"^(user|group):[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$")]
Principals = Annotated[
    list[Principal],
    Field(default_factory=list),
    Allowed('a list of "user:NAME" and "group:NAME" of this machine'),
]


class GatewayTable(Table):
    """``[gateway]``"""

    name: Annotated[
        Name, Allowed("text of 1 to 80 characters"), Default("the machine's host name")
    ] = None
    """What the console calls this gateway."""
    listen: Annotated[
        str,
        AfterValidator(lambda text: listen_address(text) and text),
        Allowed('HOST:PORT, such as "127.0.0.1:8080", "[::1]:8080" or, for all, "0.0.0.0:8080"'),
    ] = "127.0.0.1:8080"
    """Where applications call. Port 0 takes a free one. Every request needs a project key, but the
    connection is not encrypted: beyond this machine, put TLS in front of it."""
    socket: Annotated[
        PathText,
        Allowed("a path short enough for a socket; a relative one starts at this file"),
        Default("`$XDG_RUNTIME_DIR/quotadeck/gateway.sock`, else `gateway.sock` in the state"),
    ] = None
    """The Unix socket of the admin API, which the console and the CLI use. A service takes
    `/run/quotadeck/gateway.sock`, where they look by themselves."""
    socket_group: Annotated[Name, Allowed("the name of a group"), Default("the process's own")] = (
        None
    )
    """The group that may connect to the socket (its mode is 0660)."""
    state: Annotated[
        PathText,
        Allowed("a path; a relative one starts at this file"),
        Default("`$XDG_STATE_HOME/quotadeck`, else `~/.local/state/quotadeck`"),
    ] = None
    """The directory of the ledger: journal and database. One gateway each."""
    body_limit_bytes: Annotated[
        int,
        Field(ge=1_024, le=1_073_741_824),
        Allowed("a whole number of bytes from 1_024 to 1_073_741_824"),
    ] = 10 * 1024 * 1024
    """The largest request body; a larger one is answered 413."""
    cors_origins: Annotated[
        list[Origin],
        Field(default_factory=list),
        Allowed('a list of origins such as "https://app.example.com", or of "*" alone'),
    ]
    """The web pages that may call under /v1 from a browser; "*" are all. A page needs a key as any
    caller does, and whoever sees the page sees the key."""
    request_window_s: WindowS = REQUEST_WINDOW_S
    """How many seconds' worth of requests a bucket holds: the burst. At least one request."""
    token_window_s: WindowS = TOKEN_WINDOW_S
    """How many seconds' worth of tokens a bucket holds."""


class LogTable(Table):
    """``[log]``: what the gateway says on standard error while it runs. No line holds anything of a
    request's or a reply's body. A reader that is too slow loses lines, and is told how many."""

    level: Annotated[
        Literal["info", "warning", "error"], Allowed('"info", "warning" or "error"')
    ] = "info"
    """The least that is told. `info` has starts, ends, changes and refusals; `warning` what
    somebody should look at: alarms, and each call that failed, with its id."""
    format: Annotated[
        Literal["auto", "json", "text"],
        Allowed('"auto", "json" or "text"'),
    ] = "auto"
    """JSON has an object a line, text a sentence. `auto` is text at a terminal and JSON elsewhere;
    read by systemd's journal, each line says its priority (`journalctl -p warning`)."""
    access: Annotated[bool, Allowed("true or false")] = False
    """A line for each call and each refused request, whatever the level."""


class ProjectTable(Table):
    """``[projects.SLUG]``: the slug is the project's id for ever, its spend hangs on it."""

    name: Annotated[Name, Allowed("text of 1 to 80 characters"), Default("the slug")] = None
    """What people call it. May change at any time."""
    rpm: PerMinute = None
    """Requests per minute."""
    tpm: PerMinute = None
    """Tokens per minute, input and output together."""
    concurrency: Slots = None
    """Requests under way at the same time."""
    daily_budget_usd: Usd = None
    """What it may spend in a calendar day of its zone."""
    zone: Annotated[str, Allowed('an IANA time zone, such as "Asia/Tokyo"')] = "UTC"
    """Where its day begins and ends."""
    priority: Annotated[Literal["high", "medium", "low"], Allowed('"high", "medium" or "low"')] = (
        "medium"
    )
    """Who goes first where projects share a target's limits."""
    models: Annotated[
        list[str] | None,
        Field(min_length=1),
        Allowed("a list of at least one model that has a route"),
        Default("all models"),
    ] = None
    """The models that it may ask for."""
    shadow: Annotated[
        list[Literal["rpm", "tpm", "concurrency", "budget"]],
        Field(default_factory=list),
        Allowed('a list of "rpm", "tpm", "concurrency" and "budget"'),
    ]
    """Limits that only record what they would have refused."""
    allow: Annotated[
        AllowTable | None,
        One(AllowTable),
        Allowed("a table `[projects.SLUG.allow]`"),
        Default("nothing"),
    ] = None
    """What its requests may ask for beyond their own bytes."""
    on_client_leave: Annotated[Literal["finish", "cancel"], Allowed('"finish" or "cancel"')] = (
        "finish"
    )
    """What becomes of a request for a whole answer whose client hangs up: it is finished, and
    charged exactly, or cancelled, and charged as much as it may have cost."""
    cost_comment: Annotated[bool, Allowed("true or false")] = True
    """Whether a stream tells what it cost, in a comment line that clients may read or skip."""


class RouteTable(Table):
    """``[routes."MODEL"]``: the model that clients ask for."""

    targets: Annotated[
        list[str],
        Field(min_length=1),
        Allowed("a list of at least one target of this file, none twice"),
    ]
    """The first serves; the others are its fallbacks, in this order."""


class RolesTable(Table):
    """``[roles]``: who may do what on the admin socket, the highest role wins. The gateway's own
    user is admin; who else can open the socket is a viewer."""

    admin: Principals
    """May do everything."""
    operator: Principals
    """May pause, resume, set temporary limits up to twice the standing ones, force fallbacks."""
    viewer: Principals
    """May look."""


TABLES: dict[str, type[Table]] = {"gateway": GatewayTable, "log": LogTable, "roles": RolesTable}
"""Tables that occur once."""
NAMED_TABLES: dict[str, type[Table]] = {
    "projects": ProjectTable,
    "upstreams": UpstreamTable,
    "targets": TargetTable,
    "routes": RouteTable,
}
"""Tables of tables, by name."""
INNER_TABLES: dict[str, type[Table]] = {
    "allow": AllowTable,
    "tiers": TierTable,
    "long": LongTable,
}
"""Tables in those of projects and targets."""

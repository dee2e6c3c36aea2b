"""``[upstreams.NAME]``: where requests go, how, and what is known of whoever answers."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from quotadeck.wire.config.addresses import base_address, proxy_address
from quotadeck.wire.config.pairs import SentValue, sent_headers, sent_query
from quotadeck.wire.config.secret_ref import REFERENCE, SecretRef
from quotadeck.wire.config.table import Allowed, Default, PathText, Table
from quotadeck.wire.config.target_table import TIER

_VALUES = 'each value text, or a secret by reference such as { env = "UPPER_CASE_NAME" }'
Form = Literal["chat", "completions", "embeddings", "responses", "messages"]


class UpstreamTable(Table):
    """``[upstreams.NAME]``: a provider, or a gateway in front of some. ``headers`` and ``query``
    may be tables of their own: ``[upstreams.NAME.headers]``."""

    # What base_url is judged by stands before it: the judge sees what came so far.
    plain_http: Annotated[bool, Allowed("true or false")] = False
    """Take an http address that is not on this machine: keys, prompts and answers can then be read
    by all who see the traffic. For networks of your own."""
    proxy: Annotated[
        str | None,
        AfterValidator(proxy_address),
        Allowed('the address of an http proxy, such as "http://proxy.example:3128"'),
        Default("none; variables such as HTTPS_PROXY are not looked at"),
    ] = None
    """The proxy on the way there. For https it opens a tunnel (CONNECT) and sees nothing inside."""
    base_url: Annotated[
        str,
        AfterValidator(base_address),
        Allowed(
            'an https address such as "https://api.openai.com/v1" without user, password, query '
            "or fragment; http only to this machine (localhost, 127.0.0.1, [::1]), or with "
            "plain_http = true"
        ),
    ]
    """The root that SDKs take as base URL: what follows it (`/chat/completions`, `/messages`) we
    add."""
    key: Annotated[
        SecretRef | None,
        Allowed(REFERENCE),
        Default("none; one on this machine, with `plain_http` or with `headers` may have none"),
    ] = None
    """Where its key stands. Never the key itself."""
    provider: Annotated[
        str | None,
        Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$"),
        Allowed('a name such as "openai", "anthropic", "x-ai" or "groq"'),
        Default("by the host of `base_url`, where it is a known provider's own"),
    ] = None
    """Whose rules hold there."""
    speaks: Annotated[
        list[Form] | None,
        Field(min_length=1),
        Allowed('a list of "chat", "completions", "embeddings", "responses" and "messages"'),
        Default(
            'by `provider`: "messages" for anthropic, else "chat", "completions" and '
            '"embeddings", and "responses" too for openai'
        ),
    ] = None
    """The forms of requests that it takes, the one to translate to first."""
    stream_usage: Annotated[
        Literal["auto", "always", "never"], Allowed('"auto", "always" or "never"')
    ] = "auto"
    """Whether streams are asked for their usage (`stream_options`). `auto` learns a refusal of it
    once, and remembers."""
    bills_delivered: Annotated[bool, Allowed("true or false")] = False
    """It bills only what it delivered: a stream that its client left costs what had come by then,
    where else all that it may have made counts."""
    price: Annotated[Literal["list", "upstream"], Allowed('"list" or "upstream"')] = "list"
    """What is booked: by the prices here, or what the upstream's replies say that they cost
    (`usage.cost`), where they do."""
    price_drift_percent: Annotated[
        int, Field(ge=1, le=1_000), Allowed("a whole number from 1 to 1_000")
    ] = 2
    """Where its replies say what they cost, and the prices here come to more than so many percent
    more or less over ten minutes, that is told."""
    tiers: Annotated[
        list[Annotated[str, Field(pattern=TIER)]] | None,
        Allowed('a list of words such as "priority" and "us"'),
        Default("all that have a price, but for speeds"),
    ] = None
    """The service tiers and regions that its replies may state where the request names none, for
    instance by the settings of its account. A request's bound is taken at the dearest of them."""
    headers: Annotated[
        dict[str, SentValue],
        Field(default_factory=dict),
        BeforeValidator(sent_headers),
        Allowed(f'a table such as {{ x-portkey-provider = "openai" }}; {_VALUES}'),
        Default("none"),
    ]
    """Sent with every request, in place of ours where the name is the same. A value is never
    shown. A key is always a reference."""
    query: Annotated[
        dict[str, SentValue],
        Field(default_factory=dict),
        BeforeValidator(sent_query),
        Allowed(f'a table such as {{ api-version = "2025-04-01" }}; {_VALUES}'),
        Default("none"),
    ]
    """Behind the path of every request."""
    proxy_login: Annotated[SecretRef | None, Allowed(REFERENCE), Default("none")] = None
    """Where `USER:PASSWORD` for the proxy stands; it goes there readable, as for any http proxy."""
    ca_file: Annotated[
        PathText,
        Allowed("a file of certificates in PEM; a relative path starts at this file"),
        Default("the machine's authorities, or those that `SSL_CERT_FILE` names"),
    ] = None
    """The authorities that are trusted there, in place of the machine's."""
    timeout_s: Annotated[
        float, Field(ge=0.1, le=3_600), Allowed("a number of seconds from 0.1 to 3_600")
    ] = 600
    """The longest that one request may take."""

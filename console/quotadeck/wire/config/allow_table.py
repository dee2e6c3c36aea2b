"""``[projects.SLUG.allow]``: what a project's requests may ask for beyond their own bytes."""

from typing import Annotated

from pydantic import Field

from quotadeck.wire.config.table import Allowed, Default, Table, Usd

_Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=500)]


class AllowTable(Table):
    """``[projects.SLUG.allow]``: what its requests may ask for beyond their own bytes. Without it
    such a request is refused, by the name of its field."""

    unbounded: Annotated[
        _Words,
        Field(default_factory=list),
        Allowed(
            'a list of words that refusals name, such as "web_search", "stored_context", "file", '
            '"mcp" or "background"'
        ),
        Default("nothing"),
    ]
    """What makes a request cost what nobody can know before."""
    reserve_usd: Annotated[Usd, Default("required beside `unbounded`")] = None
    """What is held for each such request, beside what its bytes may cost."""
    fields: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=80)], _Words],
        Field(default_factory=dict),
        Allowed('lists of values by field, such as { service_tier = ["priority"] }; "*" is any'),
        Default("none; tiers that cost no more are free"),
    ]
    """Fields that choose a model, an address, a provider or a price tier, and what they may say."""
    ids: Annotated[
        _Words,
        Field(default_factory=list),
        Allowed('a list of ids; "*" is any'),
        Default("those that its own replies made"),
    ]
    """Files, vector stores, conversations and the like that were not made through here. What other
    projects made here stays theirs, unless it is named."""

"""What is said on the screen of leases, and of who waits in the applications."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence, plural

SENTENCES: Final[Mapping[str, Sentence]] = {
    "lease.title.leases": "leased ahead, not drawn yet",
    "lease.title.requests": "requests",
    "lease.title.tokens": "tokens",
    "lease.title.money": "money",
    "lease.title.drew": "drawn by",
    "lease.title.until": "until",
    "lease.name": "{name} …{key}",
    "lease.none": "no lease",
    "lease.drew": plural("count", "1 call", "{count:number} calls"),
    "lease.waits": plural(
        "count",
        "1 of {who}[ ({priority:name})] waits for {limit:name}, {longest_ms:age}",
        "{count:number} of {who}[ ({priority:name})] wait for {limit:name}, longest "
        "{longest_ms:age}",
    ),
    "lease.waiting": "{waits}[ (told {told_ms:age} ago)]",
    "lease.rest": "{count:number} more hold {requests:number} requests, {tokens:number} tokens, "
    "{nano:usd}",
    "lease.holds": "holds",
    "lease.held": "{requests:number} requests[, {tokens:number} tokens][, {nano:usd}]",
    "lease.held.tokens": "{tokens:number} tokens[, {nano:usd}]",
    "lease.held.money": "{nano:usd}",
    "lease.held.none": "nothing that no call has drawn",
    "lease.held_by": "held by",
    "lease.held_by.whom": "{manager}, with key {key}",
    "lease.then": "then",
    "lease.then.what": "calls that name it are refused; what it holds goes back at once",
    "dialog.title.lease": "end a lease of {name}",
    "dialog.lease": "lease",
    "done.lease": "done: a lease of {before} has ended, what no call drew of it went back",
    "nothing.no_lease": "no application holds a lease of {name}",
    "nothing.no_lease.unread": "the leases of {name} are not read yet",
}

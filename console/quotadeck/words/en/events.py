"""What happened: budgets, upstreams, the gateway itself."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence, plural

_LEASED: Final = "[ · requests {requests:number}][ · tokens {tokens:number}][ · {held_nano}]"
_WHICH: Final = " ({id}[, {manager}])"
_BACK: Final = "; {use:told}; given back" + _LEASED + _WHICH

SENTENCES: Final[Mapping[str, Sentence]] = {
    "budget.step": "{project}: {reached_percent} of the day's budget is spent",
    "budget.dry": "{project}: what is left of the day's budget no longer covers its requests",
    "upstream.unreachable": "{target} cannot be reached",
    "upstream.fails": "{target} fails",
    "upstream.refuses_key": "{target} refuses the gateway's key",
    "upstream.slow": "{target} does not answer in time",
    "upstream.breaks": "{target} cuts or garbles its replies",
    "upstream.throttles": "{target} is rate limited by its provider",
    "price.unknown": "{target} has no price: its calls are recorded without a cost",
    "price.unknown_tier": "{target} has no price for {tier}: its calls are charged with what "
    "was held",
    "price.drifts": "{target}: {count:number} calls cost {ours_nano} by our prices and "
    "{stated_nano} by the upstream's own account",
    "key.revoked_used": "{project}: the revoked key {key} is still used",
    "key.revoked_used_on": plural(
        "count",
        "{project}: the revoked key {key} is still used, once in {over_ms}",
        "{project}: the revoked key {key} is still used, {count:number} times in {over_ms}",
    ),
    "stranger.unknown_key": plural(
        "count",
        "{count} request in {over_ms} came with a key that is none of ours",
        "{count:number} requests in {over_ms} came with a key that is none of ours",
    ),
    "stranger.bad_key": plural(
        "count",
        "{count} request in {over_ms} came without a key, or with what cannot be one",
        "{count:number} requests in {over_ms} came without a key, or with what cannot be one",
    ),
    "stranger.wrong_path": plural(
        "count",
        "{count} request in {over_ms} was for a path that is not served, or by a wrong method",
        "{count:number} requests in {over_ms} were for paths that are not served, or by a wrong "
        "method",
    ),
    "lease.begun": "{project}: the key {key} leased quota" + _LEASED + _WHICH,
    "lease.given_back": "{project}: a lease of {key} was given back" + _BACK,
    "lease.ran_out": "{project}: a lease of {key} ran out: nobody renewed it" + _BACK,
    "lease.by_operator": "{project}: a lease of {key} was ended by an operator" + _BACK,
    "lease.paused": "{project}: a lease of {key} ended with the pause" + _BACK,
    "lease.key_gone": "{project}: a lease of {key} ended with its key" + _BACK,
    "lease.used": plural("calls", "one call drew on it", "{calls:number} calls drew on it"),
    "lease.unused": "no call drew on it, and it cost nothing",
    "lease.more": "{project}: in {over_ms} besides[ {begun:number} leases made,]"
    "[ {given_back:number} given back,][ {ran_out:number} run out,]"
    "[ {by_operator:number} ended by operators,][ {paused:number} ended with a pause,]"
    "[ {key_gone:number} ended with their key,] {count:number} in all",
    "gateway.started": "gateway started",
    "gateway.restarted": plural(
        "count",
        "gateway started; {count} call was under way when it went: charged, recorded as unknown",
        "gateway started; {count:number} calls were under way when it went: charged, recorded as "
        "unknown",
    ),
    "offline.most": "offline: {count} commands were taken in; the rest waits for a start",
    "offline.more": plural(
        "count",
        "offline holds {count} file more than the {most} that are looked at",
        "offline holds {count:number} files more than the {most} that are looked at",
    ),
    "offline.left": "offline: {count} more were left as they are",
    "offline.link": "offline is a link to somewhere else, so nothing there was taken in",
    "offline.closed": "offline cannot be read ({why}), so nothing there was taken in",
    "offline.unreadable": "offline/{file}: {why}; it was left as it is",
    "offline.unrecorded": "offline/{file}: the command log cannot be written ({why}), and what "
    "loosens must stand in it first; it was left as it is",
    "offline.no_command": "offline/{file}: not a command: {why:told}; it was left as it is",
    "offline.newer": "offline/{file}: left by a newer Quotadeck (format {found}, this one knows "
    "{known}); it was left as it is: update Quotadeck",
    "offline.dry_run": "offline/{file}: a dry run, which nobody would see: leave dry_run out to "
    "have it carried out; it was left as it is",
    "offline.odd": "offline/{file}: no plain, lone file of at most {most_bytes}; it was left as "
    "it is",
    "effect": "effect on {names}[ and {more:number} more], a minute before and after: refused "
    "{refused_before:number} → {refused_after:number} of {asked_before:number} → "
    "{asked_after:number}, failed {failed_before:number} → {failed_after:number}, "
    "{before_nano:usd} → {after_nano:usd} a minute, p95 {p95_before_ms:latency} → "
    "{p95_after_ms:latency}; others refused {others_before:number} → {others_after:number}",
    "effect.unmeasured": "effect on {names}[ and {more:number} more] not measured: {why:name}",
    "why.restart": "the gateway was restarted within the minute",
    "why.clock": "the clock was set within the minute",
    "why.store": "the store could not be read",
    "why.many": "too many changes at once",
    "note": "{actor}[ on {name}]: {text}",
    "told": "{text}",
}

"""Why something is as it is, in plain sentences: a call, a project, a model, a target."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence, plural

SENTENCES: Final[Mapping[str, Sentence]] = {
    "explain.title": "why: {name}",
    "explain.holds": "{name}: {word}[ since {since_us} ({since_ms:age})][, until {until_us}]"
    "[: {why}].",
    "explain.well": "{name} is well: nothing of it is refused, nothing fails.",
    "explain.also": "Also {line}.",
    "explain.cleared": "{line}.",
    "explain.lifted": "It would be lifted by {what}.",
    "explain.rule.cut_off": "Cut off is what a pause or a revoked key refuses of what is asked.",
    "explain.rule.storm": "It is a storm when five times as much is asked as passes, and 20 were "
    "refused in 10 s or 30 in a minute.",
    "explain.rule.failing": "It fails from 3 failures in a row on, or 3 that are 5 % of a minute; "
    "30 s of successes end it, or 20 of them.",
    "explain.rule.spent": "Spent is a budget when all of it is, or when the rest covers no "
    "request that is asked.",
    "explain.rule.rejected": "Rejected is who sends mostly requests that are wrong in themselves.",
    "explain.rule.throttled": "Throttled is trouble from a tenth of what is asked on; 10 s "
    "without a refusal end it.",
    "explain.rule.near": "Near is from 80 % of a limit on until it is below 70 %.",
    "explain.limit.file": "{whose} {field:name} is {limit:value}, as the config file says; "
    "{used:value} of it {window}.",
    "explain.limit.override": "{whose} {field:name} is {limit:value} until {until_us}, by {actor}"
    "[ (“{reason}”)]; without that it is {was:value}; {used:value} of it {window}.",
    "explain.limit.standing": "{whose} {field:name} is {limit:value}, by {actor}[ (“{reason}”)]; "
    "the config file has {was:value}; {used:value} of it {window}.",
    "explain.window.rate": "passed in the last 60 s",
    "explain.window.slots": "are taken now",
    "explain.window.money": "are spent today",
    "explain.whose": "{name}'s",
    "explain.serves": "{name} is served by {target}.",
    "explain.forced": "Its requests go to {target}[ until {until_us}], by {actor}[ (“{reason}”)].",
    "explain.paused": "It was paused by {actor}[ (“{reason}”)][, until {until_us}].",
    "explain.served": "It was served by {target}[ after {tries}], in {took_ms:millis}, for "
    "{cost_nano}.",
    "explain.tries": plural("count", "{count} failed attempt", "{count} failed attempts"),
    "explain.failed": "It was forwarded and failed: {cause} ({target}[, HTTP {status}]), after "
    "{took_ms:millis}[ and {tries} before].",
    "explain.client_error": "It was forwarded, and {target} called it wrong (HTTP {status}): "
    "no limit of ours was in the way.",
    "explain.unknown": "It was forwarded to {target}, and its end was never learned: it was "
    "charged in full, {cost_nano}.",
    "explain.refused": "It was refused at {at_us}: {cause}.",
    "explain.refused.rpm": "It was refused at {at_us} by {whose} rpm of {limit:number} a minute: "
    "no request was left.",
    "explain.refused.tpm": "It was refused at {at_us} by {whose} tpm of {limit:number} a minute: "
    "it asks for {asked:number} tokens and {left:number} were left.",
    "explain.refused.concurrency": "It was refused at {at_us} by {whose} {limit:number} slots: "
    "all were taken.",
    "explain.refused.budget": "It was refused at {at_us} by {whose} budget of {limit:nano}: its "
    "dearest outcome costs {asked:nano} and {left:nano} was left.",
    "explain.refused.reserve": "It was refused at {at_us} by {whose} {kind:name} of "
    "{limit:number}: what was left of it is kept for requests of a higher priority.",
    "explain.least": "It would have passed with {limits} or more.",
    "explain.least.one": "{field:name} {least:value}",
    "explain.waited": "It was told to come again in {wait_ms:seconds}.",
    "explain.waited.short": "It was told to come again in {wait_ms:millis}.",
    "explain.no_wait": "It was told that asking again is of no use.",
    "explain.counted": "It has no record of its own: it is one of {count:number} like it that "
    "were refused in the same second.",
    "explain.counted.maybe": "It has no record of its own: it is one of those of its second, of "
    "which {kinds} kinds were refused; the commonest is told here.",
    "explain.unfound": "Nothing is on record under {id}: it is older than what is kept, of "
    "another gateway, or only arrived this second.",
    "explain.no_reading": "nothing is known of it before the first reading",
    "explain.nobody": "{name} is no longer there.",
}

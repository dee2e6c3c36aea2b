"""What holds of a project, a model, a target or the gateway."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence

_REFUSED: Final = "{count} of {asked} refused[ in {over_ms:seconds}]"
_TROUBLES: Final = {
    "upstream_429": "its upstream answers 429",
    "upstream_auth": "its upstream refuses our key",
    "upstream_5xx": "its upstream answers 5xx",
    "unreachable": "its upstream cannot be reached",
    "timeout": "its upstream does not answer in time",
    "broken_reply": "its upstream cuts or garbles replies",
    "other": "{cause:name}",
}

SENTENCES: Final[Mapping[str, Sentence]] = {
    "state.line": "{word}[ {when}][: {why}]",
    "state.cleared": "{kind:name} is over since {ago_ms:age}",
    "state.cleared_short": "✓{kind:name} {ago_ms:age}",
    "when.since": "{since_ms:age}",
    "when.left": "{left_ms:left} left",
    "when.left_short": "−{left_ms:left}",
    "when.ago": "{ago_ms:age} ago",
    "when.ago_short": "{ago_ms:age}",
    "state.unserved": "unserved",
    "why.unserved.ledger": "the gateway cannot write its ledger, and forwards nothing",
    "why.unserved.draining": "the gateway is going down, and takes no new requests",
    "why.unserved.unrecorded": "the ledger fails, " + _REFUSED,
    "why.unserved.other": "{cause:name}",
    "state.cut_off": "cut off",
    "why.key_revoked": "key {name} is revoked, " + _REFUSED,
    "why.model_paused": "{name} is paused[ ({left_ms:left} left)], " + _REFUSED,
    "state.storm": "storm ×{times}",
    "state.throttled": "throttled",
    "why.refused_by.own": "by its {cause:name}, " + _REFUSED,
    "why.refused_by.target": "by {name} {cause:name}, " + _REFUSED,
    "why.refused_by.held": "by money that requests under way hold, " + _REFUSED,
    "why.refused_by.crowded": "by the gateway, which holds as much as it can, " + _REFUSED,
    "state.failing": "fails {share}",
    "state.failed": "failed",
    "state.recovering": "recovering",
    **{f"why.failing.{c}": f"{t}, {{count}} of {{asked}} failed" for c, t in _TROUBLES.items()},
    **{f"why.failed.{c}": f"when last asked: {t}" for c, t in _TROUBLES.items()},
    "why.recovering": "{asked} went well since the last failure {ago_ms:age} ago",
    "state.spent": "spent",
    "why.spent": "today's budget is spent[, anew in {left_ms:left}]"
    "[, {refused} of {asked} refused]",
    "why.not_covered": "what is left today covers no request[, anew in {left_ms:left}]"
    "[, {refused} of {asked} refused]",
    "state.rejected": "rejected",
    "why.rejected.other": "{count} of {asked} requests are invalid",
    "why.rejected.upstream_4xx": "{count} of {asked} requests are invalid, says the upstream",
    "why.rejected.never_fits": "{count} of {asked} requests are larger than a limit of it ever "
    "lets through",
    "why.rejected.key_revoked": "{count} of {asked} requests come with a revoked key",
    "state.money_held": "money held",
    "why.money_held": "requests under way hold what is left of today's budget",
    "state.near": "{cause:name} {share}",
    "why.near": "{count:number} of {asked:number} {cause:name} in {over_ms:seconds}",
    "why.near_budget": "{count:usd} of today's {asked:usd}",
    "state.paused": "paused",
    "why.cuts_off": "cuts off {name}[, {refused} of {asked} refused]",
    "why.refused": _REFUSED,
    "state.ok": "ok",
    "state.other": "see gateway",
    "why.other": "the gateway is newer, and says what is not known here",
}

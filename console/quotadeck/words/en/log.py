"""The lines of the gateway's log that have no place elsewhere."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence, plural

SENTENCES: Final[Mapping[str, Sentence]] = {
    "log.serving": "Quotadeck {version} serves {base_url} and the admin socket {socket}, by {file} "
    "({digest}): {projects:number} projects, {routes:number} models, {targets:number} targets, "
    "{upstreams:number} upstreams",
    "log.config_warned": "the config: {text}",
    "log.stopping": plural(
        "under_way",
        "stopping ({why}): {under_way} call is under way, and has {wait_ms}",
        "stopping ({why}): {under_way:number} calls are under way, and have {wait_ms}",
    ),
    "log.stopped": plural(
        "cut",
        "stopped after {ran_ms}; {cut} call was cut",
        "stopped after {ran_ms}; {cut:number} calls were cut",
    ),
    "log.dropped": plural(
        "count",
        "{count} line of the log was dropped: whoever reads it is too slow",
        "{count:number} lines of the log were dropped: whoever reads it is too slow",
    ),
    "log.state": "{subject}: {state}[ ({cause})][, {who}]",
    "log.state_over": "{subject}: no longer {state}[ ({cause})][, {who}]",
    "log.call_failed": "{request_id} of {project} failed at {target}: {cause}[, status {status}]",
    "log.refused": "refused[ of {project}]: {cause}, status {status} ({request_id})",
    "log.refused_more": "refused {count:number} more[ of {project}] in {over_ms}: {cause}",
}

"""Why the admin API does not answer what was asked, and why a gateway cannot begin to serve."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence

_OR_PATH: Final = "or set another `socket` in the config"

SENTENCES: Final[Mapping[str, Sentence]] = {
    "admin.not_json": "the body is not JSON ({what})",
    "admin.no_object": "the body is JSON but no object: send one command as an object",
    "admin.no_such_field": "a command has no {name:quoted}: its fields are {fields}",
    "admin.field_missing": "{name} is missing: a command needs it",
    "admin.field_parts": "{name} has more than {most:number} parts",
    "admin.field_wrong": "{name} is {found}: {what}",
    "admin.body_too_large": "the body is larger than 512 KB, which no command is",
    "admin.body_cut": "the body ended before it was complete",
    "admin.over_share": "{actor} has asked for more than a {role:name}'s share of the gateway's "
    "time: wait {wait_s} s, then ask less often",
    "admin.refused_too_fast": "commands of {actor} are refused faster than {per_s} a second, so "
    "this one was not read: wait {wait_s} s; the audit says why they are refused",
    "admin.account_crowded": "{actor} has {most} requests or more open here, and one account may "
    "have {most}: close consoles or other readers of this account",
    "admin.account_crowded.streams": "{actor} has {most} streams or more open here, and one "
    "account may have {most}: close consoles or other readers of this account",
    "admin.crowded": "all {places} places for requests of a role as low as {role:name} are taken: "
    "close consoles that nobody watches, then try again",
    "admin.crowded.streams": "all {places} places for streams of a role as low as {role:name} are "
    "taken: close consoles that nobody watches, then try again",
    "admin.draining": "the gateway drains and will end",
    "admin.unready": "{why}",
    "admin.nobody": "nobody is known here: connect through the Unix socket",
    "admin.role": "{actor} is {role:name} here and {name} takes an {needed:name}: ask an admin to "
    "list you under [roles] in the config",
    "admin.no_parameter": "there is no parameter {name:quoted}: it takes {allowed}",
    "admin.no_parameter.none": "there is no parameter {name:quoted}: it takes none",
    "admin.parameter_missing": "{name} is missing: say which",
    "admin.parameter_twice": "{name:quoted} is given twice: give it once",
    "admin.no_probes": "nothing is learned of upstreams here",
    "admin.no_such_probe": "there is no probe {name:quoted}, or it was long ago",
    "admin.store": "the ledger cannot be read: {why:told}",
    "admin.failed": "the gateway failed on this request: its log says how",
    "admin.method": "{path} does not take {method}: use {allowed}",
    "admin.not_found": "there is no {path}: under {prefix} are {names}",
    "admin.before_without_last": "before is for last=: leave it out, or add last",
    "admin.since_of_days": "since is for minutes and hours: leave it out for days",
    "admin.last_alone": "last stands alone: leave out after and limit",
    "admin.other_ledger": "the cursor {cursor} is of another ledger (epoch {epoch}, this one is "
    "{ours}): start again without {name}",
    "admin.one_of": "{name} is {found:quoted}: it takes {allowed:or}",
    "admin.not_in_range": "{name} is {found:quoted}: it takes a whole number in {low} … {high}",
    "admin.no_cursor": "{name} is {found:quoted}: it takes a cursor as a page gave it, "
    "epoch:sequence",
    "admin.series_size": "{subjects} subjects over {minutes} minutes were asked for: it takes at "
    "most {most} `subject`s, and at most {cells:number} minutes of all together",
    "admin.no_series": "{name} is {found:quoted}: there are series of {allowed:or}, such as "
    "project:analytics, model:gpt-4.1, gateway:",
    "admin.since_missing": "say since when: since=2026-11-24T03:02:00Z",
    "admin.span_empty": "{name} is {found:quoted}, which is not before the end",
    "admin.to_come": "{name} is {found:quoted}, which is still to come; the present is asked for "
    "without it",
    "admin.no_instant": "{name} is {found:quoted}: it takes an instant such as "
    "2026-11-24T03:02:00Z",
    "socket.too_long": "{path}: a socket's path has at most {most} bytes and this one has "
    "{length}: set a shorter `socket` in the config",
    "socket.not_made": "{path}: the admin socket cannot be made here ({what}): check who owns the "
    "folder and may give it to the group, " + _OR_PATH,
    "socket.no_group": "{path}: there is no group {group:quoted} on this machine: make it, or "
    "change `socket_group` in the config",
    "socket.no_socket": "{path}: something that is no socket is there: it was left as it is; move "
    "it away, " + _OR_PATH,
    "socket.busy": "{path}: a gateway answers there already: stop it first, " + _OR_PATH,
    "serve.no_config": "there is no config at {path}: `quotadeck init` writes one",
    "listen.failed": "cannot listen on {host}:{port}: {what}; stop what holds it, or change "
    "`listen` in the config",
}

"""What the commands print, beside figures: findings, and what to do about them."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence, plural

SENTENCES: Final[Mapping[str, Sentence]] = {
    "audit.part": "(part of {id})",
    "status.here": "here: {who}",
    "watch.state": "{mark} {name}: {words}",
    "watch.sums": "{trouble} in trouble; {asked} requests/min, {refused} refused, {failed} failed; "
    "today {today} of {budget}",
    "watch.lost": "no readings: {problem}",
    "watch.back": "readings again",
    "status.strangers": " · {refused} of strangers",
    "backup.refused": "{why:told} (--state names another folder, --to a file)",
    "backup.made": "copied to {path}: {size_mb} MB, read back and whole",
    "backup.reach": "  it has the journal up to segment {segment}, byte {offset}",
    "backup.left_open": "the gateway ended without closing its ledger: what the journal has beyond "
    "it is not\nin the copy; start the gateway once, or keep the journal folder beside the copy",
    "verify.refused": "{why:told} (--state names another folder)",
    "verify.holds": plural(
        "entries",
        "the command log in {path} holds: {entries} entry, the last is number {seq}",
        "the command log in {path} holds: {entries:number} entries, the last is number {seq}",
    ),
    "verify.broken": plural(
        "following",
        "BROKEN: the command log does not hold from entry {broken} on ({why:name}); "
        "{following} entry after it",
        "BROKEN: the command log does not hold from entry {broken} on ({why:name}); "
        "{following:number} entries after it",
    ),
    "verify.changed": "  the file was changed by something else than the gateway: what is in "
    "force may not\n  be what was commanded; compare `quotadeck audit`, and set again what is "
    "wrong",
    "verify.count": plural(
        "entries",
        "  {entries} entry, the last is number {seq}",
        "  {entries:number} entries, the last is number {seq}",
    ),
    "verify.kept": "the kept head is in it: nothing up to there was cut off",
    "verify.missing": "MISSING: no entry has the kept head {head}: entries were cut off or made\n"
    "  anew since it was kept, or it is another ledger's",
    "verify.head": "head  {head}",
    "typed.wrong": "{option}: {why:told}",
    "reach.gone": "{why:told}[ (socket from {found:name})]",
    "reach.demo": "on the demo's gateway ({socket})",
    "name.own_place": "this user's own place",
    "name.service_place": "the service's place",
    "name.running_demo": "the running demo",
    "gateway.serving": "serving {base_url}; the admin socket is {socket}",
    "gateway.next": "point your SDK's base_url there and `quotadeck` at the socket; ctrl+c drains "
    "and ends",
}

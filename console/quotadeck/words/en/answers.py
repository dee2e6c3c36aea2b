"""What is said of a command, whichever it is: refusals, warnings, values, and the command line."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence, plural

_UNKNOWN: Final = "there is no {kind:name} '{name}': "
_STALE: Final = (
    "{name} changed since you looked (version {seen}, now {version}): {actor} set {field:name} "
    "{before:value} → {after:value} at {at_us}"
)
_LOOK: Final = ". Look again, then repeat the command if it is still right"
_DONE: Final = "{kind:name} {name} {field:name}: {before:value} → {after:value}"
_UNTIL: Final = _DONE + "[ for {for_ms}] (until {until_us}, then {then:value} again"

REFUSED: Final[Mapping[str, Sentence]] = {
    "told": "{text}",
    "no_command": "nobody can ask for {action}: there are {actions}",
    "role": "{actor} is {role:name} here; {action} takes an {needed:name}: ask one",
    "permanent": "{actor} is {role:name} here and may {action} for a time only: give it an end of "
    "at most 31 days, or ask an admin for a permanent one",
    "subject": "{action} is about {about:or}, not '{subject}'",
    "several": "{action} is about one subject, not {count:number}: give one command for each",
    "too_many": "{count:number} subjects are more than the {most:number} of one change: make "
    "several changes of it",
    "too_large": "a change of {count:number} values with all that is said of it is too large for "
    "one record: name fewer at once",
    "subjects_twice": "each subject is named once, and `subject` is the first of `subjects`",
    "versions": "of {count:number} subjects the versions are `expected_versions`, one each",
    "part": "nothing was changed: of {among:number} subjects {on} is refused"
    "[, and {besides:number} more]: {why:told}",
    "no_override": "{name} has no override[ of {field:name}] in force: nothing ends by itself",
    "no_end": "{action} needs an end: by how long, or until when",
    "no_class": "'{found}' is no class of projects: name one of {classes}",
    "all_but": "{action} is not about all projects: name those that it is about",
    "all_but.subject": "what is about all projects but those of a class has the subject {subject} "
    "and no others",
    "all_but.none": "no project is of a lower class than {word}: nothing was changed",
    "field": "{action} sets {about}, not {field}: leave the field out",
    "public": "only a pause has a public reason, not {action}: leave `public` out",
    "no_value": "{action} takes no value: leave it out",
    "long_reason": "the reason has {length} characters: write at most {most}",
    "no_reason": "{action} needs a reason: say why, for those who read it later",
    "endless": "{action} does not end by itself: leave the duration out",
    "duration": "{asked} ms is not between one second and 31 days",
    "two_ends": "an end is a duration or an instant: give one of the two",
    "until": "{until_us} is not between one second and 31 days from now, {now_us}",
    "stale": _STALE + _LOOK,
    "stale.more": plural(
        "more",
        _STALE + ", after {more} other change" + _LOOK,
        _STALE + ", after {more} others" + _LOOK,
    ),
    "stale.elsewhere": "{name} changed since you looked (version {seen}, now {version}): another "
    "gateway's log was read then" + _LOOK,
    "unknown": _UNKNOWN + "there are {names}",
    "unknown.more": _UNKNOWN + "there are {names} and {more} more",
    "unknown.near": _UNKNOWN + "did you mean {near:or}?",
    "unknown.none": _UNKNOWN + "the config file has none",
    "key_of_another": "the idempotency key '{key}' belongs to another command, {id}: use a new key "
    "for a new command",
    "unrecorded": "the command log cannot be written ({why}), and what loosens must stand in it "
    "first: nothing was changed; make room on the disk, then repeat the command",
}

SENTENCES: Final[Mapping[str, Sentence]] = {
    **{f"refused.{kind}": sentence for kind, sentence in REFUSED.items()},
    "storm": plural(
        "times",
        "refused {times} time since {since_us}[, and {unread:number} more not even read]; last: "
        "{last}",
        "refused {times:number} times since {since_us}[, and {unread:number} more not even read]; "
        "last: {last}",
    ),
    "warning.held": "{actor}'s override stays in force above this: {value:value} until {until_us}",
    "warning.spent": "{spent_nano} of today are spent already: everything will be refused until "
    "{until_us}",
    "warning.unrecorded": "in force, NOT recorded: the command log could not be written",
    "or": "{others} or {last}",
    "reason.undo": "undoes {of}",
    "reason.redo": "takes back {of}",
    "reason.extend": "extends {of}",
    "reason.end_now": "ends {of} early",
    "reason.permanent": "makes {of} permanent",
    "reason.end": "the end of {of}",
    "value.told": "{told:value}",
    "word.field": "{field:name}",
    "value": "{value:number}",
    "value.none": "unlimited",
    "value.daily_budget_usd": "{value:nano}",
    "value.paused": "paused",
    "value.paused.none": "running",
    "value.key.labelled": "{value} ({label})",
    "value.key.none": "none",
    "value.target.none": "–",
    "value.note.none": "none",
    "value.lease.none": "ended",
    "value.seen.none": "none",
    "change.contradict": "{options:or}: say one of them, they contradict each other",
    "change.lost": "{why:told}; it may or may not be in force: `quotadeck audit --last 3` tells",
    "change.reason": "--reason has {length} characters; {most} are kept",
    "change.done": _DONE,
    "change.done.permanent": _DONE + " (permanent: until somebody undoes it)",
    "change.done.until": _UNTIL + ")",
    "change.done.default": _UNTIL + "; the default, --for says otherwise)",
    "change.extended": "{kind:name} {name} {field:name} {after:value}: until {until_us} now, then "
    "{then:value} again",
    "change.noted": "noted",
    "change.lease_ended": "lease {name} of {before} ended: what no call has drawn of it goes back",
    "change.all_but": "name projects, or say --all-but a class: one of the two",
    "change.nobody": "name whom it is about",
    "ask.all_but": "{action} every project of a class below {word}?",
    "change.more": plural("count", "  and {count} more", "  and {count:number} more"),
    "change.group": plural(
        "count",
        "  {count} value: one change, one undo",
        "  {count:number} values: one change, one undo",
    ),
    "change.dry_run": "dry run: {told}",
    "change.refused": "{action} {subject} refused: {why}",
    "change.note": "note: {told}",
    "change.repeated": "note: this very command was answered before; this is that answer again",
    "change.undo": "  undo: {line}",
    "change.unrecorded": "quotadeck: in force, but NOT recorded: the gateway cannot write its "
    "command log",
    "change.replayed": "  replayed: {told}",
    "change.figures": "    admitted {admitted_before} → {admitted_after}   refused "
    "{refused_before} → {refused_after}   spend {an_hour_before_nano:usd}/h → "
    "{an_hour_after_nano:usd}/h",
    "change.foretold": "    {told}",
    "named.twice": "'{name}' is more than one thing: say {options:or}",
    "named.alike": "'{name}' is the name of several projects: say {ids:or}",
    "named.near": "there is no {kinds:or} called '{name}'; the nearest: {near}",
    "named.none": "there is no {kinds:or} called '{name}'; see `quotadeck {list}`",
    "help.kind": "NAME is a {kind:name}, where it could be more than one thing.",
    "help.for": "How long: 90s, 15m, 1h30m, 2d. Default 1h. Ends by itself.",
    "help.for.may": "How long: 90s, 15m, 1h30m, 2d. Without, it lasts until it is revoked.",
    "help.until": "Or until when, on this machine's clock: 09:00 (the next), tomorrow 09:00, Thu "
    "09:00, 2026-11-27T09:00; or with a zone: 09:00 UTC.",
    "help.by": "Later by how long: 90s, 15m, 1h30m, 2d.",
    "help.field": "Which override; by default all that are in force.",
    "help.all_but": "Every project of a class below this one, instead of names.",
    "help.standing": "A standing change, without an end (admins only).",
    "help.reason": "Why, for the audit (up to 200 characters).",
    "help.public": "Show the reason to the paused project's clients.",
    "help.dry_run": "Show what would happen; change nothing.",
    "help.to": "The target (upstream/model) to force it to.",
}

"""Each command's own words: what is told of one in force, its help, and why it is refused."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence, plural

_ENDS: Final = '[ for {for_ms}][ until {until_us}][ "{reason}"]'
_STEP: Final = "{name} {field:name} {before:value} → {after:value}" + _ENDS
_RANGE: Final = "{field:name} {value:value} is not in {low:value} … {high:value}"

_PAUSE: Final[Mapping[str, Sentence]] = {
    "command.pause": "{actor}: {name} paused" + _ENDS,
    "help.pause": "Refuse new requests of a project, or for a model.\n\nThose in flight finish.",
    "examples.pause": 'Example:\n  quotadeck pause analytics --for 1h --reason "batch bug"',
}
_RESUME: Final[Mapping[str, Sentence]] = {
    "command.resume": "{actor}: {name} resumed" + _ENDS,
    "help.resume": "End the pauses of a project, or of a model.",
    "examples.resume": "Example:\n  quotadeck resume analytics",
    "refused.not_paused": "{name} is not paused: there is nothing to resume",
}
_LIMIT: Final[Mapping[str, Sentence]] = {
    "command.limit": "{actor}: " + _STEP,
    "help.limit": "Change a limit of a project or of a target.\n\n"
    "NAME is a project's id or a target: upstream/model.\n\n"
    "Budget and slots are short for daily_budget_usd and concurrency.\n\n"
    "VALUE is a number (40, 80k, 1.5M; dollars for a budget: 12.50), a scale (x2, 50%, +40%, -20%) "
    "of the value in force, or `needed`: what the last hour needed, that is the 95th percentile "
    "of what its minutes asked for, no less than the last 60 s, and a tenth more.",
    "examples.limit": """Examples:
  quotadeck limit analytics rpm 40 --for 1h --reason "orders import"
  quotadeck limit analytics tpm x2 --for 30m --reason "orders import" --dry-run
  quotadeck limit analytics search rpm +40% --until 09:00 --reason "nightly import"
  quotadeck limit analytics tpm needed --for 2h --reason "nightly import"
  quotadeck limit search budget 75.50 --permanent --reason "agreed with finance"
  quotadeck limit main/gpt-4.1 rpm 50% --for 2h --reason "upstream halved our quota\"""",
    "refused.no_such_limit": "a {kind:name} has no limit {field:name}: name one of {fields}",
    "refused.out_of_range": _RANGE,
    "refused.out_of_range.nothing": _RANGE + "; to let nothing pass, pause it",
    "refused.value_or_scale": "a limit takes a value, a scale in percent or `needed`: give one of "
    "them",
    "refused.needed.of": "minutes of a project do not tell what {field:name} needed: name one of "
    "{fields}",
    "refused.needed.nothing": "{name} asked for nothing in the last hour: give a value instead",
    "refused.not_whole": "{field:name} takes a whole number, not '{value}'",
    "refused.not_nano_dollars": "{field:name} takes integer nano-dollars, not '{value}'",
    "refused.nothing_to_scale": "{name} has no {field:name} to scale: give a value instead",
    "refused.scale": "a scale of {scale_percent} is not 1% or more",
    "refused.too_high": "{asked:value} is more than {factor} × {base:value}, the {field:name} "
    "without overrides: {actor} is {role:name} here and may go to {most:value}; ask an admin for "
    "more",
}
_FALLBACK: Final[Mapping[str, Sentence]] = {
    "command.fallback": "{actor}: " + _STEP,
    "help.fallback": "Force a model's requests to another target of its route.",
    "examples.fallback": "Example:\n  quotadeck route claude-opus-4.7 --to main/gpt-4.1 --for 1h "
    '--reason "upstream 429s"',
    "refused.no_target": "{name} has no target '{target}' in its route: name one of {targets}",
}
_UNDO: Final[Mapping[str, Sentence]] = {
    "command.undo": "{actor}: undo: " + _STEP,
    "help.undo": "Take a change back, as if it had not been made.\n\n"
    "Without COMMAND_ID it is your newest one in force: shown first, and asked about.",
    "help.yes": "Do not ask.",
    "examples.undo": """Examples:
  quotadeck undo                 your newest change in force
  quotadeck undo cmd_0192… --reason 'wrong project'""",
    "undo.newest": "your newest change in force: {action} {subject} {field:name}: {before:value} → "
    '{after:value} ({id})[, "{reason}"]',
    "undo.ask": "undo it?",
    "undo.none": plural(
        "count",
        "the last change is not yours ({actor}) or not in force; name one: `quotadeck audit` lists "
        "their ids",
        "nothing among the last {count} changes is yours ({actor}) and in force; name one: "
        "`quotadeck audit` lists their ids",
    ),
    "refused.undo.unknown": "no applied command has the id '{id}' (a refused one changed "
    "nothing): take the id from the audit",
    "refused.undo.end": "{id} is the end of {of}, which is over for good: to have the value "
    "again, set it again",
    "refused.undo.ran_out": "{id} ended by itself at {at_us}: there is nothing to undo",
    "refused.undo.ended": "{id} was ended by {actor}'s {action} {by} at {at_us}: there is "
    "nothing to undo",
    "refused.undo.later": "{actor} set {field:name} of {name} to {after:value} later, at "
    "{at_us}: undo {id} first",
    "refused.undo.nothing": "what {id} ended has run out meanwhile or was ended by others too: "
    "undoing it would change nothing",
    "refused.undo.of_admin": "{id} was {owner}'s as {owner_role:name}; {actor} is {role:name} "
    "here and may undo operators' commands only: ask an admin",
}
_OVERRIDES: Final[Mapping[str, Sentence]] = {
    "command.extend": "{actor}: {name} {field:name} {after:value} extended[ until {until_us}]"
    '[ "{reason}"]',
    "help.extend": "Have an override end later: by a duration, or at a time.",
    "examples.extend": """Examples:
  quotadeck extend analytics --by 1h
  quotadeck extend analytics search --field rpm --until 09:00""",
    "refused.extend.earlier": "the override on {name} lasts until {until_us} already: to have it "
    "end sooner, end it or undo it",
    "command.end_now": "{actor}: {name} {field:name} {before:value} ended early: "
    '{after:value} again[ "{reason}"]',
    "help.end_now": "End an override now, as if its end had come.",
    "examples.end_now": "Example:\n  quotadeck end analytics --field rpm",
    "command.permanent": '{actor}: {name} {field:name} {after:value} made permanent[ "{reason}"]',
    "help.permanent": "Make an override a standing change.",
    "examples.permanent": "Example:\n  quotadeck permanent analytics --field rpm --reason "
    '"agreed with finance"',
    "command.priority": "{actor}: " + _STEP,
    "help.priority": "Give a project another class for a while.\n\n"
    "Where a target is full, requests of higher classes go first.",
    "examples.priority": "Example:\n  quotadeck priority batch-embed low --for 2h "
    '--reason "incident"',
    "command.end_lease": '{actor} ended a lease of {before}: {name}[ "{reason}"]',
    "help.end_lease": "End leases that applications hold.\n\nWhat no call has drawn of them goes "
    "back to their projects at once. Calls that name one are refused from then on, and say what to "
    "do. `quotadeck leases` lists them.",
    "examples.end_lease": 'Example:\n  quotadeck end-lease lease_0193… --reason "hung worker"',
    "refused.lease.unknown": "there is no lease {name}: it has ended, or a restart has forgotten "
    "it; see those that live with: quotadeck leases",
    "command.acknowledge": '{actor} has seen that {name} is {after:value}[ "{reason}"]',
    "help.acknowledge": "Say that you have seen a trouble. That stands beside it until it is over.",
    "examples.acknowledge": 'Example:\n  quotadeck acknowledge analytics --reason "asked payments"',
    "refused.acknowledge.calm": "{name} is in no trouble: there is nothing to acknowledge",
}
_NOTE: Final[Mapping[str, Sentence]] = {
    "command.note": "{actor}: {after:value}",
    "help.note": "Leave a note in the timeline, such as a deploy.",
    "help.note.subject": "What it is about: project:ID, model:NAME, target:ID. Default: gateway.",
    "examples.note": 'Example:\n  quotadeck note "shop v412 deployed" --subject project:checkout',
    "refused.note.empty": "a note says something: write what is to be known",
    "refused.note.long": "the note has {length} characters: write at most {most}",
}
_REDO: Final[Mapping[str, Sentence]] = {
    "command.redo": "{actor}: redo: " + _STEP,
    "help.redo": "Bring back what an undo took, if nothing came in between.\n\n"
    "Without COMMAND_ID it is your newest undo: shown first, and asked about.",
    "examples.redo": "Example:\n  quotadeck redo                 what your newest undo took",
    "redo.newest": "your newest undo: {subject} {field:name}: {before:value} → {after:value} "
    '({id})[, "{reason}"]',
    "redo.ask": "bring back what it took?",
    "redo.none": plural(
        "count",
        "the last change is no undo of yours ({actor}) in force; name one: `quotadeck audit` lists "
        "their ids",
        "nothing among the last {count} changes is an undo of yours ({actor}) and in force; name "
        "one: `quotadeck audit` lists their ids",
    ),
    "refused.redo.not_undone": "{id} is no undo, and none took it back: there is nothing to redo",
}
_KEYS: Final[Mapping[str, Sentence]] = {
    "command.key_add": "{actor}: key {name} added for {after:value}" + _ENDS,
    "command.key_revoke": "{actor}: key {name} of {before:value} revoked" + _ENDS,
    "help.key_add": "Make a key for one project, or several: the first is its default.\n\n"
    "The secret is printed once, here, and kept nowhere: the gateway knows its SHA-256.",
    "examples.key_add": "Example:\n  quotadeck key add analytics --label prod",
    "help.label": "The environment: prod, dev, …",
    "help.key_revoke": "End a key: requests with it get 401 from now on.",
    "examples.key_revoke": "Example:\n  quotadeck key revoke analytics-prod-3f9a1c --reason leaked",
    "secret.label": "--label has {length} characters; {most} are kept",
    "secret.shown": "the secret, shown this once:",
    "secret.revoke": "  revoke: quotadeck key revoke {id} --reason …",
    "refused.key.taken": "there is a key {name} already: choose another id",
    "refused.key.id": "'{name}' is not a key's id: 2 to 64 letters, digits, '_', '.' or '-'",
    "refused.key.no_key": "a key's value is an object of sha256 (64 hex digits), projects (their "
    "ids) and label (a text)",
    "refused.key.sha256": "the key's sha256 is not 64 lower-case hex digits",
    "refused.key.label": "the key's label is not a text of at most {most} characters",
    "refused.key.secret": "a key in force has this secret already: make a new secret",
    "refused.key.projects": "a key lists 1 to {most} different project ids",
    "refused.key.project": "there is no project '{name}': add it to the config first",
    "refused.key.project.near": "there is no project '{name}': did you mean {near:or}?",
    "refused.key.unknown": "no key '{name}' is in force: `quotadeck key list` shows those that are",
}
SENTENCES: Final[Mapping[str, Sentence]] = {
    **_PAUSE,
    **_RESUME,
    **_LIMIT,
    **_FALLBACK,
    **_UNDO,
    **_OVERRIDES,
    **_NOTE,
    **_REDO,
    **_KEYS,
    "command.group": "{actor}: {action:name} {names}[ and {more:number} more]" + _ENDS,
    "override.group_ended": "{names}[ and {more:number} more]: {field:name} as before, the end of "
    "the change is reached",
    "override.ended": "{name} {field:name} {value:value} ended: {after:value} again",
    "override.ended_still": "{name} {field:name} {value:value} ended: {after:value}",
    "override.pause_ended": "{name} pause ended: {after:value} again",
    "override.pause_ended_still": "{name} pause ended: {after:value}",
    "override.key_ended": "key {name} ended",
}

"""What the commands that list things say: their options, and what they found."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence, plural

SENTENCES: Final[Mapping[str, Sentence]] = {
    "help.last": "How many. Default 20.",
    "help.calls_project": "Only this project's.",
    "help.calls_model": "Only those that asked for this model.",
    "help.calls_target": "Only those that went to this target.",
    "help.calls_outcome": "Only those that ended so.",
    "help.calls_cause": "Only those that were refused or failed by this cause.",
    "help.calls_key": "Only those that came with this key: its id, or the end of it.",
    "help.calls_id": "The one of this x-request-id, also one that was only counted; or those of "
    "this x-client-request-id or trace.",
    "help.since": "From when on: -2h, 02:30 (the last), 2026-11-25T23:58, with Z or +09:00 too.",
    "help.until_when": "Up to when, likewise.",
    "help.before": "The newest before a cursor, which the page after them told.",
    "help.after": "The first behind a cursor, which the page before them told.",
    "help.events_subject": "Only of this one: project:ID, model:NAME, target:ID.",
    "help.wide": "Whole lines, however wide the terminal is.",
    "help.columns": "Only these columns, in this order: their names with commas between.",
    "help.csv": "As CSV with exact values; what a spreadsheet took for a formula has a ' before.",
    "help.targets": "The targets alone.",
    "help.watch": "Again and again, every so many seconds (2), in the same place.",
    "examples.calls": """Examples:
  quotadeck calls --last 50 --project analytics --outcome refused
  quotadeck calls --target openai/gpt-4.1 --last 100
  quotadeck calls --since 02:30 --until 02:45 --cause budget
  quotadeck calls --id req_019abc…""",
    "examples.completion": """Examples:
  source <(quotadeck completion bash)                                 in ~/.bashrc
  source <(quotadeck completion zsh)                                  in ~/.zshrc
  quotadeck completion fish > ~/.config/fish/completions/quotadeck.fish""",
    "examples.events": """Examples:
  quotadeck events --since -2h
  quotadeck events --subject project:analytics --json""",
    "help.leases": "What applications hold ahead of their calls.\n\nHow much of which limit, and "
    "until when. With --waiting: who waits for quota in them, how long, and for what, as their "
    "managers told last.",
    "help.leases.waiting": "Who waits in the applications, a line each.",
    "examples.leases": """Examples:
  quotadeck leases --watch
  quotadeck leases --waiting
  quotadeck end-lease lease_0193… --reason "hung worker\"""",
    "leases.none": "no application holds a lease",
    "leases.no_managers": "no application's manager has told anything in the last two minutes",
    "leases.nobody": "nobody",
    "leases.ago": "{age} ago",
    "leases.waiting": "requests that wait in applications: {count:number}, told by "
    "{managers:number} of their managers: quotadeck leases --waiting",
    "listing.none": "no {what} are recorded yet",
    "listing.none_such": "no such {what} are recorded",
    "listing.none_of_id": "no such call is recorded: the id was made at {made_us}; calls are "
    "kept for a week, and one under way is recorded when it ends",
    "listing.counted": plural(
        "count",
        "{id} was refused and counted, not recorded by itself: it is one of these {calls:number} "
        "calls",
        "{id} was refused and counted, not recorded by itself: it is one of the {calls:number} "
        "calls of these {count} records",
    ),
    "listing.further": "older ones: --before {cursor}",
    "listing.later": "later ones: --after {cursor}",
    "listing.looked": "looked back to {looked_us}; {found} found so far; go on with "
    "--before {cursor}",
    "listing.looked_on": "looked up to {looked_us}; {found} found so far; go on with "
    "--after {cursor}",
    "listing.id_alone": "--id takes --project beside it and no other filter",
    "listing.both_ways": "--before and --after are two ways to go: give one of them",
    "listing.no_column": "there is no column {found:quoted}; there are {columns}",
    "listing.left_out": "no room for {heads} (--wide or --columns shows them)",
    "listing.one_form": "--csv, --json and --watch are three ways to print: give one of them",
    "looking.stale": "{head}  STALE: {trouble}",
    "looking.below": "… {count:number} lines more: make the window higher, or choose fewer",
    "listing.stranger": "(stranger)",
}

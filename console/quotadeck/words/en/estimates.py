"""What a replay of real calls says about a change, for the dialog and the command line."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence, plural

SENTENCES: Final[Mapping[str, Sentence]] = {
    "estimate.of": plural(
        "requests",
        "{requests} real call of the last {minutes} min",
        "{requests:number} real calls of the last {minutes} min",
    ),
    "estimate.of.part": plural(
        "requests",
        "{requests} real call of {since_us}–{until_us}: there is no time for more",
        "{requests:number} real calls of {since_us}–{until_us}: there is no time for more",
    ),
    "estimate.none": "nothing: no calls in the last {minutes} min",
    "estimate.off": "without the change it admits {replayed} where {really} were",
    "estimate.changed": "under the limits of now: they were changed in that time",
    "estimate.unchecked": "not checked: there was time for one replay",
    "estimate.admits_no_more": "admits no more: {limit} refuses {refused}",
    "estimate.then_refuses": "{limit} still refuses {refused}",
    "estimate.refuses": "{limit} refuses {refused}",
    "estimate.limit": "{kind:name}",
    "estimate.limit.of": "{name} {kind:name}",
    "estimate.limit.paused": "the pause of {name}",
    "estimate.budget.lasts": "budget gone {gone_us}, in {lasts_ms}",
    "estimate.budget.earlier": "budget gone {was_us} → {gone_us}, earlier: lasts {lasts_ms}",
    "estimate.budget.later": "budget gone {was_us} → {gone_us}: lasts {lasts_ms}",
    "estimate.budget.sooner": "budget gone {gone_us} and not at the day's end: lasts {lasts_ms}",
    "estimate.budget.again": "budget spent now; then gone {gone_us}: lasts {lasts_ms}",
    "estimate.budget.again.day": "budget spent now; then it lasts until {ends_us}",
    "estimate.budget.day": "budget lasts the day, until {ends_us}",
    "estimate.budget.saved": "budget gone {was_us} → lasts the day, until {ends_us}",
    "estimate.budget.spent": "budget is spent: nothing passes until {ends_us}",
    "estimate.budget.none": "budget gone {was_us} → no limit",
    "estimate.load": "{target} {before} → {after} of {limit} {kind:name}: room for {room} more",
    "estimate.load.full": "{target} {before} → {after} of {limit} {kind:name}, {most} in its "
    "busiest minute: low priority waits",
    "estimate.cuts_off": "cuts off {projects}[ and {more} more]",
    "estimate.takes": "others lose: {projects}[ and {more} more]",
    "estimate.gives": "others gain: {projects}[ and {more} more]",
    "estimate.others": "others refused {was} → {then}",
    "estimate.in_flight": plural("count", "{count} under way finishes", "{count} under way finish"),
    "estimate.retries": plural(
        "count", "{count} retry would not have come", "{count} retries would not have come"
    ),
    "estimate.counted": "{share} from counted refusals, spread at their mean size",
    "estimate.unsized": "{share} of unknown size, taken as usual",
    "warning.no_figures": "no figures: {why:told}",
    "warning.no_figures.late": "the replay of the last minutes took over a second",
    "warning.no_figures.dead": "the replaying process ended",
    "warning.no_figures.superseded": "a newer preview was asked for",
    "warning.no_figures.busy": "more calls share its limits than a second can replay",
    "warning.no_figures.nothing": "nothing is on record yet",
    "warning.no_figures.unread": "the ledger cannot be read",
}

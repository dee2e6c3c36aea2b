"""What is learned of an upstream by asking it."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence, plural

SENTENCES: Final[Mapping[str, Sentence]] = {
    "help.probe": "Learn this upstream's ways: a few small calls by the running gateway.",
    "help.probe.model": "With --probe: which of its models is asked. Default: the cheapest.",
    "help.probe.project": "With --probe: the project that pays. Default: the config's first.",
    "probe.without": "--model, --project and --yes go with --probe UPSTREAM",
    "probe.plan": "At most {calls} small calls to {target}, which project {project} pays: "
    "{most_nano} at most.",
    "probe.ask": "Go on?",
    "probe.not_asked": "nothing was asked",
    "probe.no_upstream": "there is no upstream {name:quoted}: the config has {known}",
    "probe.no_target": 'upstream {name} has no model to ask: give it a [targets."{name}/MODEL"]',
    "probe.no_model": "there is no target {name:quoted} at it: the config has {known}",
    "probe.no_project": "there is no project {name:quoted}: the config has {known}",
    "probe.busy": "another upstream is being asked: try again in a moment",
    "probe.not_let": "not asked on, for the gateway refuses it: {said}",
    "probe.unreached": "{why}: see base_url, proxy and ca_file",
    "probe.key": "it answers {status}: the key is refused[; it says: {said}]",
    "probe.list": plural(
        "models", "it lists {models} model, {model}", "it lists {models:number} models, {model} too"
    ),
    "probe.list.without": "it lists {models:number} models, but not {model}",
    "probe.no_list": "it lists no models: /models is answered {status}[: {said}]",
    "probe.forms": "it takes {takes}[; not {lacks}]",
    "probe.forms.none": "it takes none of {lacks}: see that base_url is right",
    "probe.forms.unsure": "whether it takes {unsure:or}, its answers do not tell",
    "probe.whole": "{form}: answered[ in {took}][, {given} tokens in and {made} out]"
    "[, {cost_nano}]",
    "probe.stream": "{form} as a stream: {events} events, the last is {ends:quoted}"
    "[, {took} in all][, {cost_nano}]",
    "probe.stream.no_end": "{form} as a stream: {events} events, and none says that it is whole"
    "[, {cost_nano}]",
    "probe.stream.whole": "{form} as a stream: it answers in one piece all the same",
    "probe.usage": "{form}: its usage stands in {at}: {fields}",
    "probe.no_usage": "{form}: it tells no usage, so calls are charged by estimate",
    "probe.options.taken": "a stream is asked for its usage (stream_options), and tells it",
    "probe.options.refused": "it refuses stream_options ({status}): {said}",
    "probe.options.ignored": "a stream is asked for its usage (stream_options), and tells none",
    "probe.cost": "it says itself what a call costs ({cost_nano})",
    "probe.newer": "this model wants max_completion_tokens in place of max_tokens",
    "probe.failed": "{form}: no answer[ ({status})]: {said}",
    "probe.failed.stream": "{form} as a stream: no answer[ ({status})]: {said}",
    "probe.done": plural(
        "calls",
        "{calls} call, in the ledger of {project}: {cost_nano}",
        "{calls} calls, in the ledger of {project}: {cost_nano}",
    ),
    "probe.lines": "the lines that fit:",
    "probe.fits": "the config fits as it is",
}

"""What the doctor finds on the machine and at the providers, and what to do about it."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence, plural

SENTENCES: Final[Mapping[str, Sentence]] = {
    "doctor.sqlite": "{version} has the WAL-reset defect, harmless while the gateway is the only "
    "writer",
    "doctor.sqlite.todo": "let nothing else write to the ledger; SQLite 3.51.3 is free of it",
    "doctor.disk": "{free_gb} GB free ({share_percent}) at {path}",
    "doctor.disk.todo": "make room: a gateway that cannot write its journal refuses requests",
    "doctor.no_terminal": "none (the output is not a terminal), nothing to check",
    "doctor.no_term": "TERM is not set",
    "doctor.term": "TERM is {term}",
    "doctor.term.todo": "use a real terminal, or set TERM",
    "doctor.small.todo": "the console is made for {columns}×{lines} and more",
    "doctor.coding": "{coding}: bars and arrows cannot be drawn",
    "doctor.no_coding": "unknown: bars and arrows cannot be drawn",
    "doctor.coding.todo": "set LANG (or LC_ALL) to a UTF-8 locale, such as C.UTF-8",
    "doctor.silent": "{url} did not answer within {within} s",
    "doctor.silent.todo": "is it the right host?",
    "doctor.unreached.todo": "check base_url, DNS and TLS",
    "doctor.key_refused": "{url} answers {status}: the key is refused",
    "doctor.key_refused.todo": "make a new key at the provider and put it where `key` points",
    "doctor.status": "{url} answers {status}",
    "doctor.status.todo": "reachable, but it lists no models: see that base_url is right",
    "doctor.no_list": "{url} answers something that is no list of models",
    "doctor.no_list.todo": "see that base_url is the root of an OpenAI-compatible API",
    "doctor.absent": "answers in {took} ms, but does not offer {models}",
    "doctor.absent.todo": "check the targets",
    "doctor.offers": plural(
        "targets",
        "answers in {took} ms and offers the models of {targets} target",
        "answers in {took} ms and offers the models of {targets:number} targets",
    ),
}

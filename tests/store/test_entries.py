"""Entries of the command log read back as they were decided, those of older formats too."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Final

import orjson
import pytest

from quotadeck.domain.commands import Action, Entry, Field, Rejected
from quotadeck.domain.layers import Layers
from quotadeck.domain.notice import notice
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.subject import Subject
from quotadeck.store.chain import FORMAT, Chain, ChainLink, canonical, entry_of, readable, seal
from quotadeck.words.commands import reason, refusal, value
from tests.domain.deciding import FILE, SHA

GOLDEN = Path(__file__).parent / "goldens" / "commands_1.jsonl"
"""A chain of the first format, an entry of every action and refusal: its body, then its hash."""
KEY = ProjectKey("", ("analytics",), "prod")


def first_format() -> list[ChainLink]:
    lines = GOLDEN.read_bytes().splitlines()
    return [
        ChainLink(json.loads(body)["seq"], json.loads(body)["subject"], digest.decode(), body)
        for body, digest in zip(lines[::2], lines[1::2], strict=True)
    ]


def test_a_chain_of_the_first_format_holds() -> None:
    chain = Chain()
    chain.add(first_format())
    assert (chain.broken, chain.head.entries) == (None, 18)


def test_the_chain_goes_on_from_the_first_format() -> None:
    old = first_format()
    (last,) = readable(old[-1:])
    new = seal(last, old[-1].seq + 1, old[-1].hash)
    chain = Chain()
    chain.add([*old, ChainLink(new.seq, str(new.subject), new.hash, canonical(new))])
    assert (chain.broken, chain.head.hash) == (None, new.hash)


OF_THE_FIRST: Final = {
    *(Action.PAUSE, Action.RESUME, Action.LIMIT, Action.FALLBACK, Action.UNDO, Action.END),
    *(Action.KEY_ADD, Action.KEY_REVOKE),
}
"""The commands that there were then."""


def test_texts_of_the_first_format_are_values_again() -> None:
    entries = list(readable(first_format()))
    assert {str(entry.action) for entry in entries} == OF_THE_FIRST
    assert [(e.before, e.after, e.then) for e in entries if e.applied] == [
        (None, True, None),
        (True, None, None),
        (20, 40, 20),
        (500_000_000_000, 600_500_000_000, None),
        (None, 4, None),
        ("main/opus", "main/flash", "main/opus"),
        ("main/flash", "main/opus", None),
        (40, 20, None),
        (None, KEY, None),
        (KEY, None, None),
        (None, KEY, None),
        (20, 30, 20),
        (30, 20, None),
        (None, None, None),
    ]
    assert entries[8].value == ProjectKey(SHA, ("analytics",), "prod")
    assert [(e.seq, e.of) for e in entries if e.of] == [
        (7, "cmd_6"),
        (11, "cmd_10"),
        (13, "cmd_12"),
        (14, "cmd_1"),
    ]
    assert [e.reason for e in entries[6:8]] == ["", "wrong project"]
    assert [reason(e) for e in entries[6:8]] == ["undoes cmd_6", "wrong project"]
    assert [e.seq for e in entries if e.idle] == [14], "it was resumed before its end"
    assert entries[0].action is Action.PAUSE
    assert entries[0].field is Field.PAUSED


def test_errors_of_the_first_format_are_told_in_its_words() -> None:
    told = [entry.refused for entry in readable(first_format()) if not entry.applied]
    assert [refused and refused.code for refused in told] == [
        "not_allowed",
        "not_found",
        "not_allowed",
        "not_allowed",
    ]
    assert told[1] is not None
    assert refusal(told[1]) == "there is no project 'nope': there are analytics, search"
    assert told[3] is not None
    assert refusal(told[3]).startswith("refused 1,480 times since 2026-11-24T03:00:00Z, and 3 more")


def test_a_log_of_the_first_format_folds_as_it_did() -> None:
    entries = list(readable(first_format()))
    layers = Layers(FILE).with_entries(entries)
    at_us = entries[3].at_us
    assert (
        layers.in_force(Subject.project("analytics"), Field.BUDGET, at_us).value == 600_500_000_000
    )
    key = layers.in_force(Subject.key("k_prod"), Field.KEY, at_us).value
    assert value(Field.KEY, key) == "analytics (prod)"


def test_what_was_written_before_durations_had_their_clock_ends_after_a_duration() -> None:
    content = json.loads(first_format()[0].body)
    del content["for_ms"], content["steady_us"], content["then"], content["under"]
    entry = entry_of(content, "")
    assert (entry.for_ms, entry.steady_us) == (3_600_000, entry.at_us)


@pytest.mark.parametrize("link", first_format(), ids=lambda link: str(link.seq))
def test_an_entry_reads_back_as_it_was_written(link: ChainLink) -> None:
    (entry,) = readable([link])
    sealed = seal(entry, link.seq, entry.prev_hash)
    body = canonical(sealed)
    assert orjson.loads(body)["format"] == FORMAT
    assert entry_of(orjson.loads(body), sealed.hash) == sealed
    assert sealed.hash == sha256(body).hexdigest()


def test_what_only_a_newer_version_knows_is_read_past() -> None:
    (entry,) = readable(first_format()[:1])
    content = orjson.loads(canonical(entry)) | {
        "format": FORMAT + 1,
        "action": "shed",
        "field": "share",
        "value": "half",
        "mood": "calm",
        "refused": {
            "code": "tired",
            "notice": {"kind": "refused.tired", "facts": {"of": [1]}},
            "x": 1,
        },
    }
    read: Entry = entry_of(content, "")
    assert (read.action, read.field, read.value) == ("shed", "share", "half")
    assert read.refused == Rejected("tired", notice("refused.tired", of=("1",)))  # type: ignore[arg-type]

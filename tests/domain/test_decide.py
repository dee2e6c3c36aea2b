"""Commands decided: what each comes to, and how a refusal reads."""

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.domain.commands import MAX_OVERRIDE_MS, Action, Command, Field, Role, Value
from quotadeck.domain.layers import Layer
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.subject import Subject
from quotadeck.domain.verbs.limit import scaled
from quotadeck.words.commands import refusal
from tests.domain.deciding import (
    ADMIN,
    HOUR_MS,
    KEY,
    MIKA,
    SHA,
    START_US,
    Desk,
    fallback,
    key_add,
    limit,
    pause,
    resume,
    undo,
)


def test_a_limit_is_in_force_with_its_before_after_and_end() -> None:
    desk = Desk()
    entry = desk.does(limit(40), MIKA)
    assert (entry.before, entry.after, entry.until_us) == (
        20,
        40,
        START_US + HOUR_MS * 1_000,
    )
    assert (entry.actor, entry.role, entry.origin) == ("mika", Role.OPERATOR, "socket")
    assert desk.value(Subject.project("analytics"), Field.RPM) == 40


def test_an_override_over_a_standing_change_over_the_file() -> None:
    desk = Desk()
    standing = desk.does(limit(30, for_ms=None))
    assert standing.after == 30
    override = desk.does(limit(35))
    assert (override.before, override.after) == (30, 35)
    under = desk.does(limit(25, for_ms=None))
    assert (under.before, under.after) == (35, 35), "the override stays above it"
    desk.now_us = override.until_us or 0
    in_force = desk.layers.in_force(Subject.project("analytics"), Field.RPM, desk.now_us)
    assert (in_force.value, in_force.layer) == (25, Layer.STANDING)


def test_a_scale_is_absolute_when_decided_and_applies_to_the_value_in_force() -> None:
    desk = Desk()
    first = desk.does(limit(None, scale=150))
    second = desk.does(limit(None, scale=150))
    assert (first.value, second.value) == (30, 45)
    desk.does(undo(second))
    assert desk.value(Subject.project("analytics"), Field.RPM) == 30


@given(st.integers(1, 10**12), st.integers(1, 100_000))
def test_a_scale_rounds_half_up_and_never_to_nothing(value: int, percent: int) -> None:
    result = scaled(value, percent)
    assert result >= 1
    assert result == 1 or abs(result * 100 - value * percent) <= 50


def test_a_limit_that_is_not_there_cannot_be_scaled_but_can_be_set() -> None:
    desk = Desk()
    refused = desk.refused(limit(None, Field.CONCURRENCY, scale=50))
    assert refused.code == "invalid"
    assert refusal(refused) == "analytics has no slots to scale: give a value instead"
    entry = desk.does(limit(4, Field.CONCURRENCY), MIKA)
    assert (entry.before, entry.after) == (None, 4)


def test_a_budget_is_in_nano_dollars() -> None:
    entry = Desk().does(limit(600_500_000_000, Field.BUDGET))
    assert (entry.before, entry.after) == (500_000_000_000, 600_500_000_000)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (limit(0), "is not in 1 … 1,000,000,000,000; to let nothing pass, pause it"),
        (limit(-5), "is not in 1"),
        (limit(10**12 + 1), "is not in 1"),
        (limit(0, Field.BUDGET), "budget $0.00 is not in"),
        (limit(None), "give one of"),
        (limit(40, scale=200), "give one of"),
        (limit(40, Field.PAUSED), "a project has no limit state: name one of rpm, tpm"),
        (limit(4, Field.CONCURRENCY, Subject.target("main/opus")), "name one of rpm, tpm"),
        (limit(40, subject=Subject.model("opus")), "limit is about project:NAME or target:NAME"),
        (limit(40, for_ms=999), "999 ms is not between one second and 31 days"),
        (limit(40, for_ms=MAX_OVERRIDE_MS + 1), "is not between one second and 31 days"),
        (replace(limit(40), value=True), "rpm takes a whole number, not 'True'"),
        (replace(limit(40), value="forty"), "rpm takes a whole number, not 'forty'"),
        (replace(limit(40), reason="  "), "limit needs a reason"),
        (replace(limit(40), reason="x" * 201), "the reason has 201 characters"),
        (replace(limit(40), public=True), "only a pause has a public reason"),
        (replace(pause(), value=7), "pause takes no value"),
        (replace(pause(), scale_percent=50), "pause takes no value"),
        (replace(pause(), field=Field.RPM), "pause sets paused, not rpm"),
        (replace(resume(), for_ms=HOUR_MS), "resume does not end by itself"),
        (pause(Subject.target("main/opus")), "pause is about project:NAME or model:NAME"),
        (pause(Subject.project("")), "pause is about project:NAME or model:NAME"),
    ],
)
def test_what_a_command_may_not_be(command: Command, words: str) -> None:
    refused = Desk().refused(command)
    assert refused.code == "invalid"
    assert words in refusal(refused)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (pause(Subject.project("analytisc")), "no project 'analytisc': did you mean analytics?"),
        (pause(Subject.project("zzz")), "no project 'zzz': there are analytics, search"),
        (limit(4, subject=Subject.target("main/opsu")), "did you mean main/opus or"),
        (pause(Subject.model("opos")), "no model 'opos': did you mean opus?"),
        (fallback("main/gpt"), "no target 'main/gpt' in its route: name one of main/opus, main/fl"),
        (Command(Action.UNDO, Subject.command("cmd_9")), "no applied command has the id 'cmd_9'"),
        (Command(Action.KEY_REVOKE, Subject.key("k_9"), reason="left"), "no key 'k_9' is in force"),
    ],
)
def test_what_is_not_found_names_the_nearest(command: Command, words: str) -> None:
    refused = Desk().refused(command)
    assert refused.code == "not_found"
    assert words in refusal(refused)


def test_hostile_text_in_a_command_is_shown_and_not_obeyed() -> None:
    desk = Desk()
    entry = desk.does(replace(pause(), reason="a\x1b]52;c;aGk=\x07b\u202e"))
    assert entry.reason == "a\ufffd]52;c;aGk=\ufffdb\ufffd"
    refused = desk.refused(pause(Subject.project("\x1b[2J")))
    assert "\x1b" not in refusal(refused)


def test_what_is_kept_of_a_refused_key_is_short_and_safe() -> None:
    asked = ProjectKey("a" * 9_000, ("\x1b[2J" * 900,) * 900, "x" * 9_000)
    kept = key_add(value=asked).value_shown
    assert isinstance(kept, ProjectKey)
    assert len(json.dumps(asdict(kept))) < 1_000 + 6 * 320  # each U+FFFD is six characters there
    assert "\x1b" not in kept.projects[0]
    assert KEY.shown == KEY


def test_resume_ends_every_pause_that_lives_and_can_itself_be_undone() -> None:
    desk = Desk()
    desk.does(pause())
    desk.does(pause(for_ms=None))
    resumed = desk.does(resume())
    assert resumed.ends == (1, 2)
    assert (resumed.before, resumed.after) == (True, None)
    assert refusal(desk.refused(resume())) == "analytics is not paused: there is nothing to resume"
    again = desk.does(undo(resumed))
    assert (again.before, again.after) == (None, True)
    assert desk.value(Subject.project("analytics"), Field.PAUSED) is True


def test_a_pause_that_ran_out_meanwhile_does_not_come_back() -> None:
    desk = Desk()
    desk.does(pause())
    resumed = desk.does(resume())
    desk.now_us += HOUR_MS * 1_000
    refused = desk.refused(undo(resumed))
    assert refused.code == "conflict"
    assert "would change nothing" in refusal(refused)


def test_undo_takes_one_entry_out_and_names_what_came_later() -> None:
    desk = Desk()
    first = desk.does(limit(30), MIKA)
    second = desk.does(limit(35), ADMIN)
    refused = desk.refused(undo(first))
    assert refused.code == "conflict"
    assert "ada set rpm of analytics to 35 later, at 2026-11-24T" in refusal(refused)
    assert refusal(refused).endswith("undo cmd_2 first")
    assert desk.does(undo(second)).after == 30
    assert desk.does(undo(first)).after == 20
    refused = desk.refused(undo(first))
    assert (refused.code, "was ended by ada's undo cmd_4" in refusal(refused)) == ("conflict", True)


def test_another_value_of_the_same_subject_is_no_conflict() -> None:
    desk = Desk()
    rpm = desk.does(limit(30))
    desk.does(limit(90_000, Field.TPM))
    assert desk.does(undo(rpm)).after == 20


def test_undo_of_an_undo_brings_the_value_back_however_often() -> None:
    desk = Desk()
    last = desk.does(limit(30))
    for round_ in range(600):
        last = desk.does(undo(last))
        assert desk.value(Subject.project("analytics"), Field.RPM) == (
            20 if round_ % 2 == 0 else 30
        )


def test_what_ended_by_itself_cannot_be_undone() -> None:
    desk = Desk()
    entry = desk.does(limit(30))
    desk.now_us = entry.until_us or 0
    refused = desk.refused(undo(entry))
    assert (
        refusal(refused)
        == "cmd_1 ended by itself at 2026-11-24T04:00:00Z: there is nothing to undo"
    )


def test_a_fallback_forces_the_route_and_undo_gives_it_back() -> None:
    desk = Desk()
    forced = desk.does(fallback(), MIKA)
    assert (forced.before, forced.after) == ("main/opus", "main/flash")
    assert desk.does(undo(forced), MIKA).after == "main/opus"


def test_a_stale_version_is_refused_with_what_changed() -> None:
    desk = Desk()
    seen = desk.layers.version(Subject.project("analytics"))
    desk.does(limit(30), MIKA)
    refused = desk.refused(limit(40, version=seen))
    assert refused.code == "stale"
    assert "mika set rpm 20 → 30 at 2026-11-24T03:00:00Z" in refusal(refused)
    desk.does(limit(40, version=desk.layers.version(Subject.project("analytics"))))
    desk.does(replace(pause(), expected_version=0))
    desk.does(limit(650, subject=Subject.project("search"), version=0))


def test_a_key_is_added_revoked_and_never_twice() -> None:
    desk = Desk()
    added = desk.does(key_add())
    assert (added.before, added.after, added.value) == (None, KEY, KEY)
    assert desk.refused(key_add()).code == "conflict"
    assert "has this secret already" in refusal(desk.refused(key_add("k_other")))
    revoke = Command(Action.KEY_REVOKE, Subject.key("k_prod"), reason="leaked")
    revoked = desk.does(revoke)
    assert (revoked.before, revoked.after) == (KEY, None)
    assert desk.refused(revoke).code == "not_found"
    assert desk.does(undo(revoked)).after == KEY


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("not json", "a key's value is an object of sha256"),
        (None, "a key's value is an object of sha256"),
        (ProjectKey("AB", ("search",)), "not 64 lower-case hex digits"),
        (ProjectKey(SHA, ()), "lists 1 to 50 different project ids"),
        (ProjectKey(SHA, ("search",) * 2), "different project ids"),
        (ProjectKey(SHA, ("serch",)), "did you mean search?"),
        (ProjectKey(SHA, ("qqqqq",)), "add it to the config first"),
        (ProjectKey(SHA, ("search",), "x" * 41), "label"),
    ],
)
def test_a_key_that_cannot_be(value: Value, words: str) -> None:
    assert words in refusal(Desk().refused(key_add(value=value)))


@pytest.mark.parametrize(
    "content",
    [
        [],
        "text",
        {"sha256": SHA},
        {"sha256": SHA, "projects": "search"},
        {"sha256": 7, "projects": ["search"]},
        {"sha256": SHA, "projects": [7]},
        {"sha256": SHA, "projects": ["search"], "rpm": 3},
    ],
)
def test_what_is_no_key_is_not_read_as_one(content: object) -> None:
    assert ProjectKey.read(content) is None


def test_a_key_id_is_a_plain_word() -> None:
    assert "is not a key's id" in refusal(Desk().refused(key_add("k prod")))

"""The changing commands on a real gateway: before → after, until when, and the way back."""

import re
import shlex
import socket
import threading
from datetime import datetime, timedelta
from pathlib import Path
from select import select

import pytest

from quotadeck.cli.keys import key_command
from quotadeck.domain.days import micros
from quotadeck.domain.verbs.keys import MAX_LABEL, MAX_PROJECTS
from quotadeck.wire.messages import CommandRequest
from quotadeck.wire.objects import dump
from quotadeck.wire.translate import command_of
from tests.cli.conftest import Run
from tests.processes import Gateway

WHY = ("--reason", "a test")


def test_a_limit_tells_the_step_its_end_and_the_undo_which_works(run: Run, inside: Run) -> None:
    done = run("limit", "analytics", "rpm", "40", "--for", "2h", *WHY)
    assert done.code == 0
    assert "analytics rpm: 20 → 40 for 2h (until " in done.out
    assert "JST, then 20 again)" in done.out
    way_back = done.out.partition("undo: quotadeck ")[2].strip()
    back = inside(*shlex.split(way_back))
    assert (back.code, "40 → 20" in back.out) == (0, True)


def test_several_are_one_change_with_one_undo(inside: Run) -> None:
    names = ("analytics", "search", "support")
    done = inside("limit", *names, "rpm", "50%", "--for", "2h", *WHY)
    assert done.code == 0
    told = [line.split(" rpm: ")[0] for line in done.out.splitlines()[:3]]
    assert told == [f"project {name}" for name in names]
    assert "  3 values: one change, one undo" in done.out
    rows = inside("audit", "--last", "3", "--json").json["rows"]
    assert len({row["group"] for row in rows}) == 1
    assert inside("audit", "--last", "3", "--csv").out.count("part of cmd_") == 2
    back = inside(*shlex.split(done.out.partition("undo: quotadeck ")[2].strip()))
    assert (back.code, back.out.count("project ")) == (0, 3)
    wrong = inside("pause", "analytics", "analitics", *WHY)
    assert (wrong.code, "the nearest: analytics" in wrong.err) == (2, True)
    nothing = inside("resume", "analytics", "search", "--json")
    assert (nothing.code, nothing.json["code"]) == (1, "conflict")
    assert "of 2 subjects project:analytics is refused, and 1 more" in nothing.json["error"]


def test_what_screens_print_is_taken(inside: Run) -> None:
    def told(*words: str) -> object:
        return inside("limit", "support", *words, "--dry-run", "--json", *WHY).json["after"]

    assert told("tpm", "100,000", "--for", "until tomorrow 09:00") == 100_000
    assert told("tpm", "60k") == 60_000
    less, more = told("tpm", "-25%"), told("tpm", "+25%")
    assert isinstance(less, int)
    assert isinstance(more, int)
    assert less * 5 == more * 3
    nothing = inside("limit", "support", "tpm", "needed", "--for", "09:00", *WHY)
    assert (nothing.code, "asked for nothing in the last hour" in nothing.err) == (1, True)
    wrong = inside("limit", "support", "tpm", "60k", "--until", "1h", *WHY)
    assert (wrong.code, "is not a time" in wrong.err) == (2, True)


def test_an_override_is_extended_ended_and_made_permanent(inside: Run) -> None:
    assert inside("limit", "support", "slots", "4", "--for", "1h", *WHY).code == 0
    longer = inside("extend", "support", "--field", "slots", "--by", "30m")
    assert longer.code == 0
    assert "project support slots 4: until " in longer.out
    assert inside("end", "support", "--field", "slots").code == 0
    back = inside("undo", "--yes")
    assert (back.code, "→ 4" in back.out) == (0, True)
    again = inside("redo", "--yes")
    assert (again.code, "project support slots: 4 → " in again.out) == (0, True)
    assert inside("undo", "--yes").code == 0
    stands = inside("permanent", "support", "--field", "slots", *WHY)
    assert (stands.code, "4 → 4" in stands.out) == (0, True)
    none = inside("extend", "support", "--field", "slots", "--by", "30m")
    assert (none.code, "has no override of slots in force" in none.err) == (1, True)
    assert inside("undo", "--yes").code == 0


def test_everything_but_a_class_is_asked_about_and_paused(run: Run, inside: Run) -> None:
    high = inside("priority", "analytics", "search", "high", "--for", "1h", *WHY)
    assert high.code == 0
    asked = run("pause", "--all-but", "high", "--for", "1h", *WHY, stdin="n\n")
    assert (asked.code, "pause every project of a class below high?" in asked.err) == (130, True)
    told = inside("pause", "--all-but", "high", "--for", "1h", "--dry-run", "--json", *WHY).json
    names = {part["subject"] for part in told["parts"]}
    assert "project:support" in names
    assert not names & {"project:analytics", "project:search"}
    low = inside("priority", "support", "checkout", "low", "--for", "1h", *WHY)
    assert low.code == 0
    done = inside("pause", "--all-but", "medium", "--for", "1h", "--yes", *WHY)
    assert (done.code, "2 values: one change, one undo" in done.out) == (0, True)
    assert inside("undo", "--yes").code == 0
    both = inside("pause", "support", "--all-but", "high", *WHY)
    assert (both.code, "one of the two" in both.err) == (2, True)
    assert inside("pause", *WHY).code == 2


def test_a_note_stands_among_what_happened(inside: Run) -> None:
    assert inside("note", "shop v412 deployed", "--subject", "project:checkout").code == 0
    assert "on checkout: shop v412 deployed" in inside("status").out
    assert inside("note", "x", "--subject", "project:nope").code == 1
    assert inside("note", "").code == 1


def test_an_hour_is_the_default_and_said(inside: Run) -> None:
    done = inside("pause", "search", *WHY)
    assert done.code == 0
    assert "for 1h (until " in done.out
    assert "the default, --for says otherwise" in done.out
    again = inside("resume", "search")
    assert (again.code, "paused → running" in again.out) == (0, True)


def test_permanent_must_be_said_and_contradicts_a_duration(inside: Run) -> None:
    done = inside("limit", "support", "tpm", "x2", "--permanent", *WHY)
    assert done.code == 0
    assert "80,000 → 160,000 (permanent" in done.out
    both = inside("limit", "support", "tpm", "x2", "--permanent", "--for", "1h", *WHY)
    assert (both.code, both.out) == (2, "")
    assert "contradict" in both.err


def test_a_change_can_end_at_a_time_of_day(inside: Run) -> None:
    at = datetime.now().astimezone().replace(second=0, microsecond=0) + timedelta(hours=2)
    done = inside("limit", "support", "tpm", "50%", "--until", f"{at:%H:%M}", "--json", *WHY)
    assert (done.code, micros(done.json["until"])) == (0, round(at.timestamp()) * 1_000_000)
    assert inside("undo", done.json["command_id"]).code == 0
    made = inside("key", "add", "support", "--until", f"{at + timedelta(days=7):%Y-%m-%dT%H:%M}")
    assert (made.code, "until " in made.out) == (0, True)
    both = inside("pause", "support", "--for", "1h", "--until", "09:00", *WHY)
    assert (both.code, both.out) == (2, "")
    assert "--for or --until: say one of them" in both.err
    wrong = inside("pause", "support", "--until", "9 o'clock", *WHY)
    assert wrong.err.startswith('quotadeck: --until: "9 o\'clock" is not a time such as 09:00')


def test_limits_go_by_the_screens_short_names_too(inside: Run) -> None:
    for short, field in (("budget", "daily_budget_usd"), ("slots", "concurrency")):
        by_short, by_field = (
            inside("limit", "untouched", name, "7", "--dry-run", "--json", *WHY).json
            for name in (short, field)
        )
        assert (by_short["field"], by_short["after"]) == (field, by_field["after"])


def test_a_field_has_one_name_in_what_is_done_and_in_the_audit(inside: Run) -> None:
    done = inside("limit", "twice", "concurrency", "9", *WHY)
    paused = inside("pause", "twice", *WHY)
    audit = inside("audit", "--subject", "project:twice").out
    for field, answer in (("slots", done.out), ("state", paused.out)):
        assert f"project twice {field}: " in answer
        assert f"project:twice {field} " in audit


def test_a_dry_run_changes_nothing(inside: Run, gateway: Gateway) -> None:
    done = inside("limit", "untouched", "daily_budget_usd", "12.50", "--dry-run", "--json", *WHY)
    assert done.code == 0
    assert (done.json["dry_run"], done.json["applied"]) == (True, False)
    assert (done.json["before"], done.json["after"]) == (500_000_000_000, 12_500_000_000)
    assert "project:untouched" not in {row["subject"] for row in gateway.get("/audit")["rows"]}


def test_a_route_is_forced_and_undone_as_ones_newest_change(run: Run, inside: Run) -> None:
    forced = inside("route", "claude-opus-4.7", "--to", "main/gpt-4.1", "--json", *WHY)
    assert forced.code == 0
    asked = run("undo", stdin="n\n")
    assert asked.code == 130
    assert forced.json["command_id"] in asked.err
    assert "main/claude-opus-4.7 → main/gpt-4.1" in asked.err
    done = inside("undo", "--yes", "--json")
    assert (done.code, done.json["after"]) == (0, "main/claude-opus-4.7")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("pause", "analitics"), 2, "the nearest: analytics"),
        (("pause", "gpt-4.1"), 2, "--project or --model"),
        (("limit", "main/gpt-4.2", "rpm", "4"), 2, "main/gpt-4.1"),
        (("limit", "analytics", "rpm", "lots"), 2, "'lots' is not a value for rpm"),
        (("limit", "analytics", "size", "4"), 2, "size"),
        (("pause", "analytics", "--for", "1 hour"), 2, "such as 90s"),
        (("pause", "analytics", "--reason", "x" * 201), 2, "201"),
        (("pause", "analytics"), 1, "needs a reason"),
        (("key", "add", "analytics", "--label", "x" * 41), 2, "--label has 41"),
        (("undo", "cmd_none"), 1, "cmd_none"),
        (("key", "revoke", "no-such-key", "--reason", "x"), 1, "no-such-key"),
        (("key", "revoke", "k" * 400, "--reason", "x"), 1, "at most 300"),
        (("resume", "checkout"), 1, "not paused"),
        (("route", "gpt-4.1", "--to", "main/nothing"), 2, "there is no target"),
        (("route", "gpt-4.1", "--to", "nowhere"), 2, "see `quotadeck models`"),
        (("limit", "main/gpt-4.1", "budget", "4", *WHY), 1, "no limit budget: name one of rpm"),
        (("paus", "analytics"), 2, "did you mean pause"),
        (("pause", "\x1b]52;c;x\x07"), 2, "\ufffd]52"),
    ],
)
def test_mistakes_are_one_line_and_a_code(
    inside: Run, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = inside(*arguments)
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert done.err.count("\n") == 1
    assert "\x1b" not in done.err


def test_a_name_for_two_things_is_decided_by_an_option(inside: Run) -> None:
    done = inside("pause", "gpt-4.1", "--project", "--json", *WHY)
    assert (done.code, done.json["subject"]) == (0, "project:gpt-4.1")


def test_a_target_takes_limits_but_no_pause(inside: Run) -> None:
    done = inside("limit", "main/deepseek-v3.2", "rpm", "50%", "--json", *WHY)
    assert (done.code, done.json["after"]) == (0, 1000)
    assert inside("pause", "main/deepseek-v3.2", *WHY).code == 2


def test_a_display_name_serves_as_well(inside: Run) -> None:
    done = inside("limit", "分析 チーム", "rpm", "7", "--json", *WHY)
    assert (done.code, done.json["subject"]) == (0, "project:wide")


def test_hostile_reasons_are_shown_and_not_obeyed(inside: Run) -> None:
    evil = "\x1b]52;c;aGk=\x07[@click=app.quit]\u202e"
    assert inside("limit", "checkout", "rpm", "4", "--reason", evil).code == 0
    for arguments in (("audit",), ("status",), ("audit", "--json"), ("status", "--json")):
        done = inside(*arguments)
        assert not done.err  # status ends with 1 on a machine so busy that its loop is late
        assert "[@click=app.quit]" in done.out
        assert not {"\x1b", "\x07", "\u202e", "\x9b", "\x7f"} & set(done.out)


def test_a_key_is_made_here_works_and_can_be_revoked(inside: Run, gateway: Gateway) -> None:
    made = inside("key", "add", "twice", "search", "--label", "prod", "--json")
    assert made.code == 0
    secret, key_id = made.json["secret"], made.json["id"]
    assert key_id.startswith("twice-prod-")
    listed = inside("key", "list", "--json")
    assert [k["projects"] for k in listed.json["keys"] if k["id"] == key_id] == [
        ["twice", "search"]
    ]
    table = inside("key", "list").out
    assert "added (" in table  # and the instants in that zone, as in the other tables
    assert not re.search(r"\dT\d", table)
    assert secret not in listed.out + inside("audit", "--json").out
    assert _models(gateway, secret) == 200
    assert inside("key", "revoke", key_id, "--reason", "leaked").code == 0
    assert _models(gateway, secret) == 401


def test_the_largest_key_that_may_be_asked_for_can_be_sent() -> None:
    projects = tuple(f"{number:02}" + "p" * 61 for number in range(MAX_PROJECTS))
    command = key_command("qd_secret", projects, "🔑" * MAX_LABEL)
    sent = CommandRequest.model_validate_json(dump(command))
    assert command_of(sent).value == command.value


def test_a_key_in_words_is_alone_on_stdout_after_its_headline(inside: Run) -> None:
    done = inside("key", "add", "twice")
    assert done.code == 0
    assert done.out.splitlines()[-1].startswith("qd_")
    assert len(done.out.splitlines()[-1]) >= 46


def _models(gateway: Gateway, secret: str) -> int:
    import httpx

    headers = {"Authorization": f"Bearer {secret}"}
    return httpx.get(f"{gateway.base_url}/models", headers=headers).status_code


def _cut_at_commands(path: Path, gateway: Path) -> threading.Thread:
    """Passes one connection on to a gateway, and cuts it where a command comes."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()

    def serve() -> None:
        with listening, listening.accept()[0] as client, socket.socket(socket.AF_UNIX) as behind:
            behind.connect(str(gateway))
            while ready := select([client, behind], [], [], 10)[0]:
                for end, other in ((client, behind), (behind, client)):
                    if end in ready:
                        data = end.recv(1 << 20)
                        if not data or data.startswith(b"POST"):
                            return
                        other.sendall(data)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize("arguments", [("pause", "quiet", *WHY), ("key", "add", "quiet")])
def test_a_lost_answer_may_be_in_force_and_is_said_to_be(
    inside: Run, gateway: Gateway, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    cutting = _cut_at_commands(tmp_path / "cut.sock", gateway.socket)
    done = inside(*arguments, "--socket", str(tmp_path / "cut.sock"))
    cutting.join(10)
    assert (done.code, done.out) == (3, "")
    assert "it may or may not be in force: `quotadeck audit" in done.err

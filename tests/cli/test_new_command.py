"""A command is a row: one that is thrown in here arrives everywhere a command has to be."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from quotadeck.cli.app import run
from quotadeck.cli.reference import actions_reference, commands_reference
from quotadeck.domain.commands import Command, Entry, Rejected
from quotadeck.domain.decide import may
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.verbs import VERBS, End, Takes, Verb
from quotadeck.domain.verbs.case import Case, rejected
from quotadeck.gateway.control.admin import PREFIX
from quotadeck.tui.change.values import as_command_line
from quotadeck.words import say, use
from quotadeck.words.en import ENGLISH
from quotadeck.words.sentence import Language
from tests.gateway.desks import ANALYTICS, HOUR_MS, Bench, why
from tests.gateway.serving import Admin, admin_api


def _remark(case: Case) -> Entry | Rejected:
    if case.command.value == "":
        return rejected("invalid", "empty_remark", name=case.name)
    return case.unknown() or case.entry(case.command.value)


REMARK: Final = Verb(
    "remark",
    (SubjectKind.PROJECT,),
    _remark,
    "remark",
    Takes.TEXT,
    end=End.MAY,
    explained=True,
    line="remark",
)
SENTENCES: Final = {
    "command.remark": "{actor} noted on {name}: {after:value}",
    "help.remark": "Leave a remark on a project for whoever looks next.",
    "examples.remark": "Example:\n  quotadeck remark analytics 'ask payments first'",
    "refused.empty_remark": "a remark on {name} says nothing: write what is to be known",
}


@pytest.fixture(autouse=True)
def _row(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The row, and its words in the language: all that a command is made of."""
    monkeypatch.setitem(VERBS, REMARK.name, REMARK)
    before = use(Language("test", {**ENGLISH.sentences, **SENTENCES}, ENGLISH.form))
    yield
    use(before)


async def quotadeck(api: Admin, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = await asyncio.to_thread(run, [*words, "--socket", str(api.socket)])
    shown = capsys.readouterr()
    return code, shown.out + shown.err


async def test_the_command_line_offers_it_the_gateway_does_it_and_the_audit_tells_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with admin_api(tmp_path) as api:
        noted = ("remark", "analytics", "ask payments first", "--reason", "a storm")
        code, shown = await quotadeck(api, capsys, *noted, "--for", "2h")
        assert code == 0
        assert "project analytics remark: unlimited → ask payments first for 2h (until " in shown
        (entry,) = await api.at.entries()
        assert (entry.action, entry.field, entry.value) == (
            "remark",
            "remark",
            "ask payments first",
        )
        assert api.at.told[0].subject == "project:analytics"
        assert say(api.at.told[0].told).endswith(" noted on analytics: ask payments first")
        code, shown = await quotadeck(api, capsys, "audit")
        assert "unlimited → ask payments first" in shown
        code, shown = await quotadeck(api, capsys, "undo", "--yes")
        assert (code, "ask payments first → unlimited" in shown) == (0, True)


async def test_what_its_row_and_its_decider_do_not_allow_is_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with admin_api(tmp_path) as api:
        code, shown = await quotadeck(api, capsys, "remark", "analytics", "hello")
        assert (code, "remark needs a reason: say why" in shown) == (1, True)
        code, shown = await quotadeck(api, capsys, "remark", "analytics", "", "--reason", "x")
        assert (code, "a remark on analytics says nothing" in shown) == (1, True)
        code, shown = await quotadeck(api, capsys, "remark", "analytisc", "x", "--reason", "x")
        assert (code, "the nearest: analytics" in shown) == (2, True)
        code, shown = await quotadeck(api, capsys, "remark", "analytics", "x", "--public")
        assert code == 2
    async with admin_api(tmp_path / "viewer", own_uid=-1) as api:
        code, shown = await quotadeck(api, capsys, "remark", "analytics", "x", "--reason", "x")
        assert (code, "is viewer here; remark takes an operator" in shown) == (1, True)
        (entry,) = await api.at.entries()
        assert (entry.applied, "remark takes an operator" in why(entry)) == (False, True)


async def test_the_admin_api_takes_it_and_its_log_holds(tmp_path: Path) -> None:
    async with admin_api(tmp_path) as api:
        body: dict[str, Any] = {
            "action": "remark",
            "subject": "project:analytics",
            "value": "seen",
            "reason": "x",
            "for_ms": HOUR_MS,
            "idempotency_key": "note-0001",
        }
        for repeated in (False, True):
            answer = await api.http.post(f"{PREFIX}commands", json=body)
            told = answer.json()
            assert (answer.status_code, told["repeated"], told["after"]) == (200, repeated, "seen")
        await log_holds(api.at)
        (row,) = (await api.http.get(f"{PREFIX}audit")).json()["rows"]
        assert (row["action"], row["before"], row["after"]) == ("remark", None, "seen")


async def log_holds(at: Bench) -> None:
    await at.ledger.flushed()
    assert (await at.ledger.reader.chain()).broken is None
    (entry,) = await at.ledger.reader.audit()
    assert entry == (await at.entries())[0]


def test_help_documents_and_the_console_have_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "remark Leave a remark on a project" in " ".join(capsys.readouterr().out.split())
    assert run(["remark", "--help"]) == 0
    assert "for whoever looks next" in capsys.readouterr().out
    assert "## `quotadeck remark`\n\nLeave a remark on a project" in commands_reference()
    (line,) = (line for line in actions_reference().splitlines() if "`remark`" in line)
    assert line == "| `remark` | `quotadeck remark` | project | operator | it may | yes | yes |"
    command = Command("remark", ANALYTICS, value="it's on", for_ms=HOUR_MS, reason="x")
    assert as_command_line(command).startswith("quotadeck remark analytics 'it'\"'\"'s on'")


def test_every_row_has_its_words() -> None:
    for name, verb in VERBS.items():
        assert f"command.{name}" in ENGLISH.sentences or name == "remark"
        assert {f"help.{name}", f"examples.{name}"} <= {*ENGLISH.sentences, *SENTENCES}
        assert may(verb.role, verb)

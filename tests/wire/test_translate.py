"""Between messages and values, nothing is lost and nothing hostile comes in."""

import pytest

from quotadeck.domain.commands import Action, Command, Entry, Field, Role
from quotadeck.domain.subject import Subject
from quotadeck.wire import translate
from quotadeck.wire.messages import AuditPage, CommandAnswer, CommandRequest
from quotadeck.wire.objects import dump

HOSTILE = "\x1b]52;c;aGk=\x07[@click=app.quit]"
SAFE = "\ufffd]52;c;aGk=\ufffd[@click=app.quit]"

COMMANDS = [
    Command(Action.PAUSE, Subject.project("analytics"), reason="batch bug", public=True,
            for_ms=3_600_000, idempotency_key="12345678"),
    Command(Action.LIMIT, Subject.project("analytics"), Field.RPM, 40, reason="import",
            idempotency_key="12345678", expected_version=7),
    Command(Action.LIMIT, Subject.target("main/gpt-4.1"), Field.TPM, scale_percent=50,
            idempotency_key="12345678"),
    Command(Action.FALLBACK, Subject.model("gpt-4.1"), Field.TARGET, "main/other",
            idempotency_key="12345678"),
    Command(Action.PAUSE, Subject.model("gpt-4.1"), Field.PAUSED, True, idempotency_key="12345678"),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_comes_back_from_its_request_and_its_json_as_it_was(command: Command) -> None:
    request = CommandRequest.model_validate_json(dump(command, dry_run=True))
    assert request.dry_run
    back = translate.command_of(request)
    assert back == command
    assert type(back.value) is type(command.value)


def test_a_requests_texts_are_cleaned_where_they_enter() -> None:
    command = Command(Action.FALLBACK, Subject.model(HOSTILE), Field.TARGET, HOSTILE,
                      reason=HOSTILE, idempotency_key=HOSTILE)  # fmt: skip
    got = translate.command_of(CommandRequest.model_validate_json(dump(command)))
    assert (got.subject, got.value, got.reason) == (Subject.model(SAFE), SAFE, SAFE)
    assert got.idempotency_key == SAFE


def test_an_audit_line_tells_the_whole_entry() -> None:
    entry = Entry(
        seq=7, id="cmd_1", at_us=1_764_000_000_000_000, actor="mika", role=Role.OPERATOR,
        origin="socket", action=Action.LIMIT, subject=Subject.project("analytics"), field=Field.RPM,
        value=40, before="20", after="40", reason="import", public=False,
        until_us=1_764_003_600_000_000, ends=(3,), applied=True, error="", idempotency_key="k" * 8,
        prev_hash="aa", hash="bb",
    )  # fmt: skip
    row = translate.audit_row(entry, in_force=True)
    assert (row.at, row.until) == ("2025-11-24T16:00:00Z", "2025-11-24T17:00:00Z")
    assert (row.action, row.field, row.role) == ("limit", "rpm", Role.OPERATOR)
    assert (row.before, row.after, row.in_force, row.hash) == ("20", "40", True, "bb")
    page = AuditPage(rows=(row,), next_before_seq=None)
    assert AuditPage.model_validate_json(page.model_dump_json()) == page


def test_texts_of_an_answer_are_cleaned_whoever_sent_it() -> None:
    answer = CommandAnswer.model_validate(
        {"applied": False, "subject": HOSTILE, "error": HOSTILE, "warnings": [HOSTILE, "ok"],
         "field_of_the_future": 1}
    )  # fmt: skip
    assert (answer.subject, answer.error, answer.warnings) == (SAFE, SAFE, (SAFE, "ok"))

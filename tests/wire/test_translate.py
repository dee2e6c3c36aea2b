"""Between messages and values, nothing is lost and nothing hostile comes in."""

from dataclasses import fields

import pytest
from pydantic import ValidationError

from quotadeck.domain.calls import REFUSAL_CAUSES, Call, Cause, Outcome
from quotadeck.domain.commands import Action, Command, Entry, Field, Role
from quotadeck.domain.snapshot import Event, EventKind
from quotadeck.wire import translate
from quotadeck.wire.messages import AuditPage, CallRow, CommandAnswer, RollupRow, WhoamiAnswer

HOSTILE = "\x1b]52;c;aGk=\x07[@click=app.quit]"
SAFE = "\ufffd]52;c;aGk=\ufffd[@click=app.quit]"

COMMANDS = [
    Command(Action.PAUSE, "project:analytics", reason="batch bug", public=True, for_ms=3_600_000,
            idempotency_key="12345678"),
    Command(Action.LIMIT, "project:analytics", Field.RPM, 40, reason="import",
            idempotency_key="12345678", expected_version=7),
    Command(Action.LIMIT, "target:main/gpt-4.1", Field.TPM, scale_percent=50,
            idempotency_key="12345678"),
    Command(Action.FALLBACK, "model:gpt-4.1", Field.TARGET, "main/other",
            idempotency_key="12345678"),
    Command(Action.PAUSE, "model:gpt-4.1", Field.PAUSED, True, idempotency_key="12345678"),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_comes_back_from_its_request_and_its_json_as_it_was(command: Command) -> None:
    request = translate.request_of(command, dry_run=True)
    assert request.dry_run
    read = type(request).model_validate_json(request.model_dump_json())
    back = translate.command_of(read)
    assert back == command
    assert type(back.value) is type(command.value)


def test_a_requests_texts_are_cleaned_where_they_enter() -> None:
    command = Command(Action.FALLBACK, f"model:{HOSTILE}", Field.TARGET, HOSTILE, reason=HOSTILE,
                      idempotency_key=HOSTILE)  # fmt: skip
    got = translate.command_of(translate.request_of(command, dry_run=False))
    assert (got.subject, got.value, got.reason) == (f"model:{SAFE}", SAFE, SAFE)
    assert got.idempotency_key == SAFE


def test_a_request_that_breaks_the_rules_is_never_made() -> None:
    with pytest.raises(ValidationError, match="reason"):
        translate.request_of(
            Command(Action.UNDO, "command:x", reason="x" * 201, idempotency_key="12345678"),
            dry_run=False,
        )


def test_an_audit_line_tells_the_whole_entry() -> None:
    entry = Entry(
        seq=7, id="cmd_1", at_us=1_764_000_000_000_000, actor="mika", role=Role.OPERATOR,
        origin="socket", action=Action.LIMIT, subject="project:analytics", field=Field.RPM,
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


def test_a_call_is_told_with_every_column_it_has() -> None:
    call = Call(
        id="req_1", at_us=1, day="2025-11-24", project="analytics", key_id="key_1", priority=2,
        model="gpt-4.1", outcome=Outcome.REFUSED, cause=Cause.TARGET_RPM, http_status=429, count=3,
    )  # fmt: skip
    row = translate.call_row(9, call)
    assert (row.seq, row.at, row.priority) == (9, "1970-01-01T00:00:00.000001Z", "low")
    assert (row.outcome, row.cause, row.count) == ("refused", "target_rpm", 3)
    columns = {field.name for field in fields(Call)} - {"at_us", "charged"}
    assert columns <= set(CallRow.model_fields) - {"seq", "at"}


def test_a_rollup_names_the_causes_that_occurred() -> None:
    row = translate.rollup_row(
        period="2025-11-24", project="analytics", model="gpt-4.1", forwarded=5, upstream_errors=1,
        client_errors=0, unknown=0, refused=(2, 0, 0, 1, 0, 0, 0, 0), input_tokens=10,
        cached_tokens=0, output_tokens=20, cost_nano_usd=30, latency=[0] * 36,
    )  # fmt: skip
    assert row.refused == {"rpm": 2, "budget": 1}
    assert RollupRow.model_validate_json(row.model_dump_json()) == row
    with pytest.raises(ValueError, match="zip"):
        translate.rollup_row(**{**row.model_dump(), "refused": [0] * (len(REFUSAL_CAUSES) - 1)})


def test_levels_and_events_carry_instants_that_people_read() -> None:
    level = translate.level_row(at_us=10_000_000, bucket="project:a:rpm", least=-5, last=9)
    assert (level.at, level.least, level.last) == ("1970-01-01T00:00:10Z", -5, 9)
    event = translate.event_row(4, Event("evt_1", 0, EventKind.BUDGET, "project:a", "90%"))
    assert (event.seq, event.at, event.kind) == (4, "1970-01-01T00:00:00Z", "budget")


def test_texts_of_an_answer_are_cleaned_whoever_sent_it() -> None:
    answer = CommandAnswer.model_validate(
        {"applied": False, "subject": HOSTILE, "error": HOSTILE, "warnings": [HOSTILE, "ok"],
         "field_of_the_future": 1}
    )  # fmt: skip
    assert (answer.subject, answer.error, answer.warnings) == (SAFE, SAFE, (SAFE, "ok"))
    assert WhoamiAnswer(actor=HOSTILE, role=Role.VIEWER).actor == SAFE

"""Between messages and values, nothing is lost and nothing hostile comes in."""

import json
from dataclasses import asdict

import pytest

from quotadeck.domain.commands import Action, Command, Field
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.subject import Subject
from quotadeck.wire import translate
from quotadeck.wire.messages import CommandRequest
from quotadeck.wire.objects import dump

HOSTILE = "\x1b]52;c;aGk=\x07[@click=app.quit]"
SAFE = "\ufffd]52;c;aGk=\ufffd[@click=app.quit]"
KEY = ProjectKey("a" * 64, ("analytics", "search"), "prod")

COMMANDS = [
    Command(Action.PAUSE, Subject.project("analytics"), reason="batch bug", public=True,
            for_ms=3_600_000, idempotency_key="12345678"),
    Command(Action.LIMIT, Subject.project("analytics"), Field.RPM, 40, reason="import",
            idempotency_key="12345678", expected_version=7),
    Command(Action.LIMIT, Subject.target("main/gpt-4.1"), Field.TPM, scale_percent=50,
            idempotency_key="12345678"),
    Command(Action.FALLBACK, Subject.model("gpt-4.1"), Field.TARGET, "main/other",
            idempotency_key="12345678"),
    Command(Action.KEY_ADD, Subject.key("k_1"), Field.KEY, KEY, idempotency_key="12345678"),
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
    command = Command(
        Action.FALLBACK,
        Subject.model(HOSTILE),
        Field.TARGET,
        HOSTILE,
        reason=HOSTILE,
        idempotency_key=HOSTILE,
    )
    got = translate.command_of(CommandRequest.model_validate_json(dump(command)))
    assert (got.subject, got.value, got.reason) == (Subject.model(SAFE), SAFE, SAFE)
    assert got.idempotency_key == SAFE
    of_a_stranger = {**json.loads(dump(command)), "field": HOSTILE[:40]}
    stranger = translate.command_of(CommandRequest.model_validate(of_a_stranger))
    assert stranger.field == SAFE[:40]


def test_a_key_that_an_older_version_asked_for_as_text_is_one() -> None:
    body: dict[str, object] = {
        "action": "key_add",
        "subject": "key:k_1",
        "idempotency_key": "12345678",
    }
    for value, found in (
        (json.dumps(asdict(KEY)), KEY),
        (asdict(KEY), KEY),
        ("no key", "no key"),
        ("[" * 1_900, "[" * 1_900),
        ('{"sha256": "x", "projects": 7}', '{"sha256": "x", "projects": 7}'),
        ({"sha256": "x"}, "{'sha256': 'x'}"),
    ):
        request = CommandRequest.model_validate_json(json.dumps({**body, "value": value}))
        assert translate.command_of(request).value == found
    body |= {"action": "limit", "field": "rpm", "value": asdict(KEY)}
    limit = translate.command_of(CommandRequest.model_validate_json(json.dumps(body)))
    assert limit.value == str({**asdict(KEY), "projects": list(KEY.projects)}), "no key but a text"

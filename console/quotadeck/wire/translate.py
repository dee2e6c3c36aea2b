"""From the admin API's request to the command that it asks for; texts are cleaned here."""

import json
from contextlib import suppress
from typing import Any

from quotadeck.domain.commands import Action, Command, Field, Value, named
from quotadeck.domain.days import micros
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean
from quotadeck.domain.verbs import VERBS, Takes, Verb
from quotadeck.wire.messages import MAX_VALUE_CHARS, CommandRequest

_MAX_SUBJECT_CHARS = 300


def command_of(request: CommandRequest) -> Command:
    """What a request asks for. Whether it is a dry run stays with the request."""
    # One that names a single subject in two ways is about that one.
    several = request.subjects if len(request.subjects) > 1 else []
    return Command(
        action=named(Action, request.action),
        subject=_subject(request.subject),
        field=request.field and named(Field, clean(request.field)),
        value=_value(request.value, VERBS[request.action]),
        scale_percent=request.scale_percent,
        reason=clean(request.reason),
        public=request.public,
        for_ms=request.for_ms,
        until_us=None if request.until is None else micros(request.until),
        idempotency_key=clean(request.idempotency_key),
        expected_version=request.expected_version,
        subjects=tuple(map(_subject, several)),
        expected_versions=tuple(request.expected_versions) if several else (),
        all_but=clean(request.all_but),
        needed=request.needed,
    )


def _subject(text: str) -> Subject:
    return Subject.parse(clean(text, _MAX_SUBJECT_CHARS))


def _value(asked: Any, verb: Verb) -> Value | None:
    """A key comes as an object; older versions left commands with the text of one."""
    if verb.takes is Takes.KEY:
        found = asked
        if isinstance(asked, str):
            with suppress(ValueError, RecursionError):
                found = json.loads(asked)
        if key := ProjectKey.read(found):
            return key
    return clean(str(asked), MAX_VALUE_CHARS) if isinstance(asked, str | dict) else asked

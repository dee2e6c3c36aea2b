"""A command from the body of a request: capped, read, and checked against its model."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from pydantic import ValidationError
from starlette.requests import Request

from quotadeck.domain.commands import MAX_SUBJECTS
from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.text import clean
from quotadeck.gateway.control.admin_error import AdminRefusal
from quotadeck.wire.messages import CommandRequest

BODY_LIMIT_BYTES: Final = 512 * 1024
"""Ten thousand subjects by names of usual length."""
_OF_SUBJECTS: Final = ("subjects", "expected_versions")
_MAX_PARTS: Final = 100
"""Of any other field: twice a key's projects."""


async def read_command(request: Request) -> CommandRequest:
    """Raises AdminRefusal: 413 for a body over 512 KB, 400 for one that is no command."""
    try:
        asked = orjson.loads(await read_body(request))
    except orjson.JSONDecodeError as wrong:
        raise _invalid(notice("admin.not_json", what=clean(str(wrong), 120))) from None
    if not isinstance(asked, dict):
        raise _invalid(notice("admin.no_object"))
    if unknown := next((name for name in asked if name not in CommandRequest.model_fields), None):
        raise _invalid(_no_such_field(unknown))
    if many := _too_many(asked):
        raise _invalid(many)
    try:
        return CommandRequest.model_validate(asked)
    except ValidationError as wrong:
        raise _invalid(complaint(wrong)) from None


async def read_body(request: Request) -> bytes:
    """Raises AdminRefusal for more than 512 KB."""
    stated = request.headers.get("content-length", "0")
    if stated.isdecimal() and int(stated[:20]) > BODY_LIMIT_BYTES:
        raise _too_large()
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_LIMIT_BYTES:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


def _too_many(asked: Mapping[str, Any]) -> Notice | None:
    """What has more parts than any command: to complain of each would hold the loop for a second,
    so nothing looks at them."""
    for name, value in asked.items():
        parts = value.values() if isinstance(value, dict) else ()
        inner = (len(part) for part in parts if isinstance(part, list | dict))
        most = MAX_SUBJECTS if name in _OF_SUBJECTS else _MAX_PARTS
        if isinstance(value, list | dict) and max(len(value), *inner, 0) > most:
            return notice("admin.field_parts", name=name, most=most)
    return None


def complaint(wrong: ValidationError) -> Notice:
    """The first thing that is wrong, by field, as found and as allowed."""
    error = wrong.errors(include_url=False, include_context=False)[0]
    name = clean(".".join(str(part) for part in error["loc"][:1]), 80) or "the body"
    if error["type"] == "extra_forbidden":
        return _no_such_field(name)
    if error["type"] == "missing":
        return notice("admin.field_missing", name=name)
    found, what = _shown(error["input"]), _lower(error["msg"])
    return notice("admin.field_wrong", name=name, found=found, what=what)


def _no_such_field(name: str) -> Notice:
    fields = tuple(CommandRequest.model_fields)
    return notice("admin.no_such_field", name=clean(name, 80) or "the body", fields=fields)


def _shown(value: Any) -> str:
    return clean(repr(value) if isinstance(value, str) else str(value), 80)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _invalid(told: Notice) -> AdminRefusal:
    return AdminRefusal(400, "invalid", told.kind, **told.facts)


def _too_large() -> AdminRefusal:
    return AdminRefusal(413, "invalid", "admin.body_too_large")

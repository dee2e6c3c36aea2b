"""A command from the body of a request: capped, read, and checked against its model."""

from typing import Any, Final

import orjson
from pydantic import ValidationError
from starlette.requests import Request

from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.text import clean
from quotadeck.gateway.control.admin_error import AdminRefusal
from quotadeck.wire.messages import CommandRequest

BODY_LIMIT_BYTES: Final = 512 * 1024
"""Ten thousand subjects by names of usual length."""


async def read_command(request: Request) -> CommandRequest:
    """Raises AdminRefusal: 413 for a body over 512 KB, 400 for one that is no command."""
    try:
        asked = orjson.loads(await _body(request))
    except orjson.JSONDecodeError as wrong:
        raise _invalid(notice("admin.not_json", what=clean(str(wrong), 120))) from None
    if not isinstance(asked, dict):
        raise _invalid(notice("admin.no_object"))
    try:
        return CommandRequest.model_validate(asked)
    except ValidationError as wrong:
        raise _invalid(complaint(wrong)) from None


async def _body(request: Request) -> bytes:
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


def complaint(wrong: ValidationError) -> Notice:
    """The first thing that is wrong, by field, as found and as allowed."""
    error = wrong.errors(include_url=False, include_context=False)[0]
    name = clean(".".join(str(part) for part in error["loc"][:1]), 80) or "the body"
    if error["type"] == "extra_forbidden":
        fields = tuple(CommandRequest.model_fields)
        return notice("admin.no_such_field", name=name, fields=fields)
    if error["type"] == "missing":
        return notice("admin.field_missing", name=name)
    found, what = _shown(error["input"]), _lower(error["msg"])
    return notice("admin.field_wrong", name=name, found=found, what=what)


def _shown(value: Any) -> str:
    return clean(repr(value) if isinstance(value, str) else str(value), 80)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _invalid(told: Notice) -> AdminRefusal:
    return AdminRefusal(400, "invalid", told.kind, **told.facts)


def _too_large() -> AdminRefusal:
    return AdminRefusal(413, "invalid", "admin.body_too_large")

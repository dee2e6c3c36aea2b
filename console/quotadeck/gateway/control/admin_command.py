"""A command from the body of a request: capped, read, and checked against its model."""

from typing import Any, Final

import orjson
from pydantic import ValidationError
from starlette.requests import Request

from quotadeck.domain.text import clean
from quotadeck.gateway.control.admin_error import AdminRefusal
from quotadeck.wire.messages import CommandRequest

BODY_LIMIT_BYTES: Final = 64 * 1024


async def read_command(request: Request) -> CommandRequest:
    """Raises AdminRefusal: 413 for a body over 64 KB, 400 for one that is no command."""
    try:
        asked = orjson.loads(await _body(request))
    except orjson.JSONDecodeError as wrong:
        raise _invalid(f"the body is not JSON ({clean(str(wrong), 120)})") from None
    if not isinstance(asked, dict):
        raise _invalid("the body is JSON but no object: send one command as an object")
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


def complaint(wrong: ValidationError) -> str:
    """The first thing that is wrong, by field, as found and as allowed."""
    error = wrong.errors(include_url=False, include_context=False)[0]
    name = clean(".".join(str(part) for part in error["loc"][:1]), 80) or "the body"
    if error["type"] == "extra_forbidden":
        fields = ", ".join(CommandRequest.model_fields)
        return f"a command has no {name!r}: its fields are {fields}"
    if error["type"] == "missing":
        return f"{name} is missing: a command needs it"
    return f"{name} is {_shown(error['input'])}: {_lower(error['msg'])}"


def _shown(value: Any) -> str:
    return clean(repr(value) if isinstance(value, str) else str(value), 80)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _invalid(text: str) -> AdminRefusal:
    return AdminRefusal(400, "invalid", text)


def _too_large() -> AdminRefusal:
    return AdminRefusal(413, "invalid", "the body is larger than 64 KB, which no command is")

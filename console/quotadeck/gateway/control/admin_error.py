"""Why the admin API does not answer what was asked."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from quotadeck.domain.notice import Fact, Notice, NoticeError
from quotadeck.words import say


class AdminRefusal(NoticeError):
    """Becomes ``{error, code, notice}``: what happened, which value, and what to do next."""

    def __init__(self, status: int, code: str, kind: str, /, **facts: Fact) -> None:
        super().__init__(kind, **facts)
        self.status = status
        self.code = code
        self.headers: Mapping[str, str] = {}


def refusal_answer(refusal: AdminRefusal) -> Response:
    """The refusal as it is sent."""
    notice = with_text(refusal.told)
    body = orjson.dumps({"error": notice["text"], "code": refusal.code, "notice": notice})
    return Response(body, refusal.status, refusal.headers, media_type="application/json")


def with_text(notice: Notice) -> dict[str, Any]:
    """A notice, and beside it its English, for people who read JSON by eye."""
    return {"kind": notice.kind, "facts": dict(notice.facts), "text": say(notice)}

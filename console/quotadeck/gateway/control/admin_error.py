"""Why the admin API does not answer what was asked."""

from collections.abc import Mapping

import orjson
from starlette.responses import Response


class AdminRefusal(Exception):
    """Becomes ``{error, code}``: what happened, which value, and what to do next."""

    def __init__(
        self, status: int, code: str, text: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.headers = headers or {}


def refusal_answer(refusal: AdminRefusal) -> Response:
    """The refusal as it is sent."""
    body = orjson.dumps({"error": refusal.text, "code": refusal.code})
    return Response(body, refusal.status, refusal.headers, media_type="application/json")

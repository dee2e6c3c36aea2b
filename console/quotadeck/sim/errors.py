"""Refusals, raised where the reason is known and rendered in one place.

In OpenAI's shape, and in Anthropic's under its paths.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from aiohttp import web

INVALID_REQUEST = "invalid_request_error"
ANTHROPIC_PATHS = "/v1/messages"
ANTHROPIC_TYPES = {
    400: INVALID_REQUEST,
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error as OpenAI's clients expect it: a status, and an object with these four keys."""

    status: int
    message: str
    type: str = INVALID_REQUEST
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def payload(self, path: str = "") -> dict[str, object]:
        """The body, before it is encoded, for a request to this path."""
        if path.startswith(ANTHROPIC_PATHS):
            error = {"type": ANTHROPIC_TYPES.get(self.status, "api_error"), "message": self.message}
            return {"type": "error", "error": error, "request_id": None}
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }

    def response(self, path: str = "") -> web.Response:
        """The whole answer."""
        return web.Response(
            status=self.status,
            body=orjson.dumps(self.payload(path)),
            content_type="application/json",
            headers=self.headers,
        )


class RefusedError(Exception):
    """Carries an `ApiError` up to the one place that answers."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


def bad_request(message: str, param: str | None = None, code: str | None = None) -> RefusedError:
    """A 400 that names the parameter at fault."""
    return RefusedError(ApiError(400, message, code=code, param=param))


def unknown_model(model_id: str) -> RefusedError:
    """OpenAI's 404 for a model that is not there."""
    return RefusedError(
        ApiError(
            404,
            f"The model `{model_id}` does not exist or you do not have access to it.",
            code="model_not_found",
        )
    )


def missing_key() -> RefusedError:
    """401 for a request without a bearer key."""
    return RefusedError(
        ApiError(
            401,
            "You didn't provide an API key. You need to provide your API key in an "
            "Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), "
            "or in x-api-key on Anthropic's paths.",
        )
    )


def wrong_key(key: str) -> RefusedError:
    """401 for a key that is not ours, masked as OpenAI masks it."""
    masked = f"{key[:3]}{'*' * 8}{key[-4:]}" if len(key) > 12 else "*" * len(key)
    return RefusedError(
        ApiError(401, f"Incorrect API key provided: {masked}.", code="invalid_api_key")
    )

"""Refusals in OpenAI's shape, raised where the reason is known and rendered in one place."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from aiohttp import web

INVALID_REQUEST = "invalid_request_error"


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error as OpenAI's clients expect it: a status, and an object with these four keys."""

    status: int
    message: str
    type: str = INVALID_REQUEST
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def payload(self) -> dict[str, object]:
        """The body, before it is encoded."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }

    def response(self) -> web.Response:
        """The whole answer."""
        return web.Response(
            status=self.status,
            body=orjson.dumps(self.payload()),
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
            "Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        )
    )


def wrong_key(key: str) -> RefusedError:
    """401 for a key that is not ours, masked as OpenAI masks it."""
    masked = f"{key[:3]}{'*' * 8}{key[-4:]}" if len(key) > 12 else "*" * len(key)
    return RefusedError(
        ApiError(401, f"Incorrect API key provided: {masked}.", code="invalid_api_key")
    )

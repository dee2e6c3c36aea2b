"""Why the admin API does not answer what was asked."""

from collections.abc import Mapping


class AdminRefusal(Exception):
    """Becomes an `ErrorAnswer`: what happened, which value, and what to do next."""

    def __init__(
        self, status: int, code: str, text: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.headers = headers or {}

"""Why the admin API does not answer what was asked."""


class AdminRefusal(Exception):
    """Becomes an `ErrorAnswer`: what happened, which value, and what to do next."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text

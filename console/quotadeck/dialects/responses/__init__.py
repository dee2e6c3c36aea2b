"""OpenAI's Responses: requests, replies and streams; its errors are those of OpenAI's API."""

from typing import Final

from quotadeck.dialects.base import Dialect
from quotadeck.dialects.responses.dialect import InputTokens, Responses

RESPONSES: Final[Dialect] = Responses()
INPUT_TOKENS: Final[Dialect] = InputTokens()
"""How long an input is, which costs nothing."""

"""Anthropic's Messages: its requests, its replies, its streams, and our refusals in its words."""

from typing import Final

from quotadeck.dialects.base import Dialect
from quotadeck.dialects.messages.counting import CountTokens
from quotadeck.dialects.messages.dialect import Messages

MESSAGES: Final[Dialect] = Messages()
COUNT_TOKENS: Final[Dialect] = CountTokens()
"""How long a message is, which costs nothing."""

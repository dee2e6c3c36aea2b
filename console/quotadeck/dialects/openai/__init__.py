"""OpenAI's chat completions: its requests, its replies, its streams, and our refusals in its words.

`OPENAI` is all of it that the gateway needs.
"""

from typing import Final

from quotadeck.dialects.base import Dialect
from quotadeck.dialects.openai.dialect import OpenAI

OPENAI: Final[Dialect] = OpenAI()

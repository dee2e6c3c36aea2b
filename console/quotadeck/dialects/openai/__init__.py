"""OpenAI's API: its requests, its replies, its streams, and our refusals in its words.

A value for each form that is all of it that the gateway needs.
"""

from typing import Final

from quotadeck.dialects.base import Dialect
from quotadeck.dialects.openai.completions import Completions
from quotadeck.dialects.openai.dialect import OpenAI
from quotadeck.dialects.openai.embeddings import Embeddings

OPENAI: Final[Dialect] = OpenAI()
"""Chat completions."""
COMPLETIONS: Final[Dialect] = Completions()
EMBEDDINGS: Final[Dialect] = Embeddings()

"""What is wrong with the gateway itself."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence

SENTENCES: Final[Mapping[str, Sentence]] = {}

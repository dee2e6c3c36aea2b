"""Words of ours that stand in a place of a sentence: limits, causes, fields."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence

SENTENCES: Final[Mapping[str, Sentence]] = {}

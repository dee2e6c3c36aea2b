"""What holds of a project, a model, a target or the gateway."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence

SENTENCES: Final[Mapping[str, Sentence]] = {}

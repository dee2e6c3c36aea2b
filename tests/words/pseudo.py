"""A language for tests alone: English, longer by two fifths and with wide characters.

What is still plain on a screen in it was not worded here, and what does not fit will not fit in
another language either.
"""

from string import Formatter
from typing import Final

from quotadeck.words.en import ENGLISH
from quotadeck.words.sentence import Language, Plural, Sentence

_ACCENTS: Final = str.maketrans("aeiouAEIOUcnsy", "áéíóúÁÉÍÓÚçñšý")
_FILL: Final = "語"


def accented(text: str) -> str:
    """The text as it stands in this language's sentences."""
    return text.translate(_ACCENTS)


def longer(text: str) -> str:
    """The text accented, and padded with wide characters to 140 % of its cells."""
    letters = sum(char.isalpha() for char in text)
    pad = _FILL * round(letters * 0.4 / 2)
    body = accented(text)
    stripped = body.rstrip()
    return stripped + pad + body[len(stripped) :]


def _pseudo(sentence: Sentence) -> Sentence:
    if isinstance(sentence, Plural):
        return Plural(sentence.by, {form: _form(text) for form, text in sentence.forms.items()})
    return _form(sentence)


def _form(text: str) -> str:
    parts = []
    for literal, name, spec, _ in Formatter().parse(text):
        parts.append(longer(literal).replace("{", "{{").replace("}", "}}"))
        if name is not None:
            parts.append(f"{{{name}:{spec}}}" if spec else f"{{{name}}}")
    return "".join(parts)


PSEUDO: Final = Language(
    "pseudo",
    {kind: _pseudo(sentence) for kind, sentence in ENGLISH.sentences.items()},
    ENGLISH.form,
)

"""English. A file a part of the product; a kind stands in one of them."""

from quotadeck.words.en import (
    answers,
    commands,
    dialogs,
    events,
    keys,
    names,
    screen,
    states,
    store,
    vitals,
)
from quotadeck.words.sentence import Language

ENGLISH = Language(
    "en",
    {
        **answers.SENTENCES,
        **commands.SENTENCES,
        **dialogs.SENTENCES,
        **events.SENTENCES,
        **keys.SENTENCES,
        **names.SENTENCES,
        **screen.SENTENCES,
        **states.SENTENCES,
        **store.SENTENCES,
        **vitals.SENTENCES,
    },
    lambda count: "one" if count == 1 else "other",
)

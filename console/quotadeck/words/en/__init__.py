"""English. A file a part of the product; a kind stands in one of them."""

from quotadeck.words.en import (
    admin,
    answers,
    cli,
    commands,
    dialogs,
    doctor,
    estimates,
    events,
    keys,
    listing,
    names,
    project,
    screen,
    source,
    states,
    store,
    typed,
    vitals,
)
from quotadeck.words.sentence import Language

ENGLISH = Language(
    "en",
    {
        **admin.SENTENCES,
        **answers.SENTENCES,
        **cli.SENTENCES,
        **commands.SENTENCES,
        **dialogs.SENTENCES,
        **doctor.SENTENCES,
        **estimates.SENTENCES,
        **events.SENTENCES,
        **keys.SENTENCES,
        **listing.SENTENCES,
        **names.SENTENCES,
        **project.SENTENCES,
        **screen.SENTENCES,
        **states.SENTENCES,
        **source.SENTENCES,
        **store.SENTENCES,
        **typed.SENTENCES,
        **vitals.SENTENCES,
    },
    lambda count: "one" if count == 1 else "other",
)

"""How the lines of a screen are shared out, in the order in which they are read."""

from typing import NamedTuple


class Heights(NamedTuple):
    """Lines of each part; 0 leaves it out. Titles are among them."""

    projects: int
    models: int
    events: int


EVENTS_FIRST = 2


def heights(lines: int, *, troubles: int, projects: int, models: int, ill: int) -> Heights:
    """Share out ``lines``: troubles, two events, the models in trouble, models, what is calm.

    ``troubles`` of the ``projects`` and ``ill`` of the ``models`` are in trouble. The projects'
    title stands always, the models' where a model does; what nobody needs shows more events.
    """
    rows = max(1, min(projects, troubles, max(3, lines * 2 // 3), lines - 1))
    free = lines - 1 - rows
    events = max(0, min(EVENTS_FIRST, free))
    free -= events
    sick = min(ill, free - 1) if free > 1 else 0
    below = max(0, sick)
    free -= below + (1 if below else 0)
    least = min(projects, rows + 2) - rows  # one calm row, and the line that counts the others
    more = min(models - below, free - least - (0 if below else 1))
    if more > 0:
        free -= more + (0 if below else 1)
        below += more
    calm = max(0, min(projects - rows, free))
    free -= calm
    return Heights(1 + rows + calm, below + 1 if below else 0, events + max(0, free))

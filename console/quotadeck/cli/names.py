"""What a name on the command line means: a project, a model or a target, by what exists."""

from quotadeck.cli.exits import Exit, Stop
from quotadeck.domain.catalogue import nearest
from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.text import clean


def known(snapshot: Snapshot, kind: SubjectKind) -> tuple[str, ...]:
    """The ids of a kind, as the gateway names them."""
    match kind:
        case SubjectKind.PROJECT:
            return tuple(row.id for row in snapshot.projects)
        case SubjectKind.MODEL:
            return tuple(row.id for row in snapshot.routes)
        case _:
            return tuple(row.id for row in snapshot.targets)


def subject_of(
    snapshot: Snapshot, name: str, kinds: tuple[SubjectKind, ...], forced: str = ""
) -> Subject:
    """The project, model or target that is called so; a project's display name serves as well.

    Stop with USAGE where nothing is called so (the nearest names are told), or more than one
    thing is and no ``forced`` kind decides.
    """
    if forced and forced not in kinds:
        raise Stop(Exit.USAGE, f"this command takes a {' or a '.join(kinds)}, not a {forced}")
    looked = (SubjectKind(forced),) if forced else kinds
    found = [Subject(kind, name) for kind in looked if name in known(snapshot, kind)]
    if not found and SubjectKind.PROJECT in looked:
        wanted = name.casefold()
        found = [Subject.project(r.id) for r in snapshot.projects if r.name.casefold() == wanted]
    if len(found) == 1:
        return found[0]
    shown = clean(name, 80)
    if found:
        ways = " or ".join(f"--{kind}" for kind, _ in found)
        if len({kind for kind, _ in found}) == 1:
            ids = ", ".join(identity for _, identity in found)
            raise Stop(Exit.USAGE, f"{shown!r} is the name of several projects: say {ids}")
        raise Stop(Exit.USAGE, f"{shown!r} is more than one thing: say {ways}")
    everything = tuple(n for kind in looked for n in known(snapshot, kind))
    close = nearest(name, everything)
    hint = f"; the nearest: {', '.join(close)}" if close else f"; see `quotadeck {looked[0]}s`"
    raise Stop(Exit.USAGE, f"there is no {' or '.join(looked)} called {shown!r}{hint}")

"""What a name on the command line means: a project, a model or a target, by what exists."""

from quotadeck.cli.exits import Exit, Stop
from quotadeck.domain.nearest import nearest
from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.text import clean
from quotadeck.words import text


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
    looked = (SubjectKind(forced),) if forced else kinds
    found = [Subject(kind, name) for kind in looked if name in known(snapshot, kind)]
    if not found and SubjectKind.PROJECT in looked:
        wanted = name.casefold()
        found = [Subject.project(r.id) for r in snapshot.projects if r.name.casefold() == wanted]
    if len(found) == 1:
        return found[0]
    shown = clean(name, 80)
    if len({subject.kind for subject in found}) > 1:
        options = tuple(f"--{subject.kind}" for subject in found)
        raise Stop(Exit.USAGE, text("named.twice", name=shown, options=options))
    if found:
        ids = tuple(subject.name for subject in found)
        raise Stop(Exit.USAGE, text("named.alike", name=shown, ids=ids))
    near = nearest(shown, tuple(n for kind in looked for n in known(snapshot, kind)))
    kind = "named.near" if near else "named.none"
    lists = "projects" if looked[0] is SubjectKind.PROJECT else "models"  # targets with them
    raise Stop(Exit.USAGE, text(kind, kinds=looked, name=shown, near=near, list=lists))

"""What comes of a command: pure, from the command, who asks, the catalogue and the log's fold.

A decided command is its entries, one for each value that it changes, which still lack their ids and
their places in the log (seq 0); a refused one is a `Rejected`: what happened, which value, and what
to do next. Where one subject's part is refused, all of it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.commands import Actor, Command, Entry, Field, Rejected, Role, value_facts
from quotadeck.domain.layers import Layers
from quotadeck.domain.notice import Fact, Notice
from quotadeck.domain.shape import field_of, malformed
from quotadeck.domain.subject import Subject
from quotadeck.domain.verbs import VERBS, End, Verb
from quotadeck.domain.verbs.case import Case, Facts, rejected
from quotadeck.domain.verbs.priority import CLASSES

Part = tuple[Subject, tuple[Entry, ...] | Rejected]
"""A subject, and what comes of the command on it."""

NO_FACTS = Facts()
_RANK = tuple(Role)


def decide(
    command: Command, actor: Actor, catalogue: Catalogue, layers: Layers, now_us: int
) -> Entry | Rejected:
    """The one entry to be logged and applied, or why there is none; for a change of one value."""
    decided = gathered(each_decided(command, actor, catalogue, layers, now_us))
    if isinstance(decided, tuple):
        (entry,) = decided
        return entry
    return decided


def each_decided(
    command: Command,
    actor: Actor,
    catalogue: Catalogue,
    layers: Layers,
    now_us: int,
    facts: Facts = NO_FACTS,
) -> Iterator[Part]:
    """What comes of the command on each of its subjects, one after the other.

    Their values are different ones, so that none bears on another.
    """
    if refused := forbidden(actor, command) or malformed(command, now_us):
        yield command.subject, refused
        return
    verb = VERBS[command.action]
    if command.all_but:
        subjects = below(command.all_but, catalogue, layers, now_us)
        if not subjects:
            none = rejected("not_found", "all_but.none", word=command.all_but)
            yield command.subject, none
            return
        command = replace(command, subject=subjects[0], subjects=subjects)
    brief = False
    for part in command.parts():
        case = Case(part, field_of(part), actor, catalogue, layers, now_us, facts, brief)
        decided = _part(case, verb)
        # To tell why one is refused may take as long as all that there is; it is told of the first.
        brief = brief or isinstance(decided, Rejected)
        yield part.subject, decided


def below(word: str, catalogue: Catalogue, layers: Layers, now_us: int) -> tuple[Subject, ...]:
    """The projects of lower classes than that one, as the classes are now."""
    lower = CLASSES[CLASSES.index(word) + 1 :]
    found = []
    for project in catalogue.projects.values():
        subject = Subject.project(project.id)
        given = layers.in_force(subject, Field.PRIORITY, now_us).value
        if (given or project.priority.word) in lower:
            found.append(subject)
    return tuple(found)


def gathered(parts: Iterable[Part]) -> tuple[Entry, ...] | Rejected:
    """The entries of all parts; a refusal where one is refused, which tells of the others."""
    entries, refused, count = list[Entry](), list[tuple[Subject, Rejected]](), 0
    for subject, decided in parts:
        count += 1
        if isinstance(decided, Rejected):
            refused.append((subject, decided))
        else:
            entries += decided
    if not refused:
        return tuple(entries)
    subject, first = refused[0]
    if count == 1:
        return first
    facts: dict[str, Fact] = {
        "on": str(subject),
        "among": count,
        "besides": len(refused) - 1 or None,
    }
    told = Notice("refused.part", {**first.notice.facts, **facts, "why": first.notice.kind})
    return replace(first, notice=told)


def _part(case: Case, verb: Verb) -> tuple[Entry, ...] | Rejected:
    actor, layers = case.actor, case.layers
    if refused := _stale(case.command, layers, brief=case.brief):
        return refused
    decided = verb.decide(case)
    if isinstance(decided, Rejected):
        return decided
    entries = decided if isinstance(decided, tuple) else (decided,)
    if actor.role is not Role.ADMIN:
        for entry in entries:
            if refused := verb.exceeds(actor, entry, layers):
                return refused
    return entries


def may(role: Role, verb: Verb) -> bool:
    """Whether the role may ask for such a command at all."""
    return _RANK.index(role) >= _RANK.index(verb.role)


def forbidden(actor: Actor, command: Command) -> Rejected | None:
    """Why this actor may not ask for such a command at all; None when it may."""
    verb = VERBS.get(command.action)
    if verb is None:
        return rejected("not_allowed", "no_command", action=command.action, actions=tuple(VERBS))
    facts: dict[str, Fact] = {"actor": actor.name, "role": actor.role, "action": verb.name}
    if not may(actor.role, verb):
        return rejected("not_allowed", "role", needed=verb.role, **facts)
    if verb.end is End.USUAL and actor.role is not Role.ADMIN and not command.expires:
        return rejected("not_allowed", "permanent", **facts)
    return None


def _stale(command: Command, layers: Layers, *, brief: bool) -> Rejected | None:
    seen, version = command.expected_version, layers.version(command.subject)
    if not VERBS[command.action].versioned or seen is None or seen == version:
        return None
    facts: dict[str, Fact] = {"name": command.subject.name, "seen": seen, "version": version}
    if brief:
        return rejected("stale", "stale.elsewhere", **facts)
    since = [
        entry
        for seq, entry in sorted(layers.by_seq.items())
        if seq > seen and entry.subject == command.subject
    ]
    if not since:
        return rejected("stale", "stale.elsewhere", **facts)
    last = since[-1]
    return rejected(
        "stale",
        "stale.more" if since[1:] else "stale",
        actor=last.actor,
        at_us=last.at_us,
        more=len(since) - 1,
        **facts,
        **value_facts(last.field, before=last.before, after=last.after),
    )

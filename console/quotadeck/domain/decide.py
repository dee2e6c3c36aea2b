"""What comes of a command: pure, from the command, who asks, the catalogue and the log's fold.

A decided command is an `Entry` that still lacks its id and its place in the log (seq 0); a refused
one is a `Rejected`: what happened, which value, and what to do next.
"""

from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.commands import Actor, Command, Entry, Rejected, Role, value_facts
from quotadeck.domain.layers import Layers
from quotadeck.domain.notice import Fact
from quotadeck.domain.shape import field_of, malformed
from quotadeck.domain.verbs import VERBS, End, Verb
from quotadeck.domain.verbs.case import Case, rejected

_RANK = tuple(Role)


def decide(
    command: Command, actor: Actor, catalogue: Catalogue, layers: Layers, now_us: int
) -> Entry | Rejected:
    """The entry to be logged and applied, or why there is none."""
    refused = forbidden(actor, command) or malformed(command, now_us) or _stale(command, layers)
    if refused:
        return refused
    verb = VERBS[command.action]
    decided = verb.decide(Case(command, field_of(command), actor, catalogue, layers, now_us))
    if isinstance(decided, Entry) and actor.role is not Role.ADMIN:
        return verb.exceeds(actor, decided, layers) or decided
    return decided


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


def _stale(command: Command, layers: Layers) -> Rejected | None:
    seen, version = command.expected_version, layers.version(command.subject)
    if not VERBS[command.action].versioned or seen is None or seen == version:
        return None
    since = [
        entry
        for seq, entry in sorted(layers.by_seq.items())
        if seq > seen and entry.subject == command.subject
    ]
    facts: dict[str, Fact] = {"name": command.subject.name, "seen": seen, "version": version}
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

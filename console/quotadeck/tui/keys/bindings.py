"""The table with the keys that are in force: its own, or those that somebody chose instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, get_args

from quotadeck.tui.keys.act import Act, is_text, key_name, types
from quotadeck.tui.keys.table import ACTIONS, PLACES, TYPED, Place
from quotadeck.words import text


class KeysWrong(ValueError):
    """The keys cannot be bound so; the text names the id, the key and what stands against it."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What each key does. A read-only console has no changing actions, but can name them."""

    acts: tuple[Act, ...] = ACTIONS
    read_only: bool = False
    _by_key: Mapping[Place, Mapping[str, Act]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        maps = {place: _by_key(self.acts, place) for place in get_args(Place)}
        object.__setattr__(self, "_by_key", maps)

    def act(self, place: Place, key: str, character: str | None = None) -> Act | None:
        """What a key does in a place; None where it does nothing, or types its character."""
        act = self.named(place, key, character)
        return None if act is None or (self.read_only and act.changing) else act

    def named(self, place: Place, key: str, character: str | None = None) -> Act | None:
        """As `act`, also where a read-only console does not do it."""
        if place in TYPED and is_text(character):
            return None
        known = self._by_key[place]
        return known.get(key) or known.get(character or "")

    def of(self, *scopes: str) -> tuple[Act, ...]:
        """The actions of the scopes, in the table's order."""
        return tuple(
            act
            for act in self.acts
            if act.scope in scopes and not (self.read_only and act.changing)
        )

    def at(self, place: Place) -> tuple[Act, ...]:
        """The actions of a place, in the table's order."""
        return self.of(*PLACES[place])

    def find(self, id: str) -> Act:  # noqa: A002 the table's own word
        """The action of that id."""
        return next(act for act in self.acts if act.id == id)

    def shown(self, id: str) -> str:  # noqa: A002 the table's own word
        """The first key of the action of that id, as people write it; empty where it has none."""
        keys = self.find(id).keys
        return key_name(keys[0]) if keys else ""


def bound(chosen: Mapping[str, Sequence[str]], *, read_only: bool = False) -> Keys:
    """The table with other keys for some ids. Raises KeysWrong.

    ``chosen`` gives an id's keys by textual's names; no keys at all unbind it.
    """
    unknown = sorted(set(chosen) - {act.id for act in ACTIONS})
    if unknown:
        raise KeysWrong(text("keys.wrong.id", id=unknown[0]))
    acts = tuple(replace(act, keys=tuple(chosen.get(act.id, act.keys))) for act in ACTIONS)
    for act in acts:
        _check_typed(act)
    for place in get_args(Place):
        _check_unique(acts, place)
    return Keys(acts, read_only)


_WHILE_TYPING: Final = {scope for place in TYPED for scope in PLACES[place]} - {"list"}


def _check_typed(act: Act) -> None:
    typed = next((key for key in act.keys if types(key)), None)
    if typed and act.scope in _WHILE_TYPING:
        raise KeysWrong(text("keys.wrong.typed", id=act.id, key=key_name(typed)))


def _check_unique(acts: Sequence[Act], place: Place) -> None:
    """In one scope, and on a page in all of them, a key does one thing."""
    known: dict[str, Act] = {}
    for act in acts:
        if act.scope not in PLACES[place]:
            continue
        for key in act.keys:
            other = known.setdefault(key, act)
            if other is not act and (other.scope == act.scope or place in _PAGES):
                raise KeysWrong(
                    text("keys.wrong.taken", id=act.id, key=key_name(key), other=other.id)
                )


_PAGES: Final = tuple(of for of, scopes in PLACES.items() if "list" in scopes and of not in TYPED)


def _by_key(acts: Sequence[Act], place: Place) -> dict[str, Act]:
    scopes = PLACES[place]
    mine = sorted(
        (act for act in acts if act.scope in scopes),
        key=lambda act: scopes.index(act.scope),
        reverse=True,
    )
    return {key: act for act in mine for key in act.keys}


def keys_reference() -> str:
    """The key table of the documents, in Markdown."""
    lines = ["| keys | what it does | where | role | id |", "|---|---|---|---|---|"]
    for act in ACTIONS:
        keys = " ".join(f"`{key_name(key)}`" for key in act.keys)
        words = act.words + (f"; {text('keys.asks')}" if act.danger else "")
        role = act.role.value if act.changing else "any"
        lines.append(f"| {keys} | {words} | {text(f'place.{act.scope}')} | {role} | `{act.id}` |")
    return "\n".join(lines) + "\n"

"""What no form can say that is translated to: refused by its name, whatever it is, never left out.

A member that is not known is refused as one that is known not to fit; what asks for nothing (null,
false, what is empty) is left out. So whoever adds a member to a form finds it told, not lost.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from quotadeck.dialects.fields import kind_of
from quotadeck.domain.refusals import BadField

Part = dict[str, Any]
"""An object of either form."""
_SHOWN_CHARS: Final = 60


class Into(NamedTuple):
    """The form that is translated to, by the name that people know."""

    named: str

    def cannot(self, where: str, what: str = "") -> BadField:
        """The refusal of what has no place there."""
        said = f"{what[:_SHOWN_CHARS]} cannot" if what else "cannot"
        return BadField(where, f"{said} be said to this model's upstream, which takes {self.named}")

    def refuse_more(self, stated: Mapping[str, Any], known: Collection[str], where: str) -> None:
        """Raises BadField for a member that is none of the known."""
        for name, value in stated.items():
            if name not in known and not asks_nothing(value):
                raise self.cannot(f"{where}.{name}" if where else name)

    def one_of(self, value: Any, known: Mapping[str, str], where: str) -> str:
        """What the value is called there. Raises BadField where it is not known."""
        if not isinstance(value, str) or value not in known:
            raise self.cannot(where, repr(value))
        return known[value]


CHAT: Final = Into("chat completions")
MESSAGES: Final = Into("Anthropic's messages")


def asks_nothing(value: Any) -> bool:
    """Whether a member says no more than if it were not there."""
    return value is None or value is False or value in ("", [], {})


def object_at(value: Any, where: str) -> Part:
    """An object that must be there. Raises BadField."""
    if value is None:
        raise BadField(where, "is missing")
    if not isinstance(value, dict):
        raise BadField(where, f"must be an object, not {kind_of(value)}")
    return value


def list_at(value: Any, where: str) -> list[Any]:
    """A list; an empty one where there is none. Raises BadField."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadField(where, f"must be a list, not {kind_of(value)}")
    return value


def text_at(value: Any, where: str) -> str:
    """A string; an empty one where there is none. Raises BadField."""
    return "" if value is None else words_at(value, where)


def words_at(value: Any, where: str) -> str:
    """A string that must be there. Raises BadField."""
    if value is None:
        raise BadField(where, "is missing")
    if not isinstance(value, str):
        raise BadField(where, f"must be a string, not {kind_of(value)}")
    return value

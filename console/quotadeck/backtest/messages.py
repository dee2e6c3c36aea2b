"""What the gateway and its replaying process say to each other: a line of JSON each.

Neither checks the other's: they are two halves of one program. What is too long is not sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from quotadeck.backtest.asked import UnderWay
from quotadeck.domain.commands import Value
from quotadeck.domain.estimate import Bind, Estimate, Hit, Load, Money
from quotadeck.domain.subject import Subject

MAX_ASK_BYTES: Final = 1_000_000
MAX_TOLD_BYTES: Final = 64_000
_LINE: Final = orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE


@dataclass(frozen=True, slots=True)
class Ask:
    """What would have been, had ``after`` been in force.

    ``before`` is all that is in force in the place of what the file says, by subject and field,
    and ``after`` what the change sets on top of it. ``answer_by_ns`` is on the machine's monotonic
    clock. ``changed_us``: when what is in force on a subject was changed last, of late.
    """

    number: int
    now_us: int
    answer_by_ns: int
    changed_us: Mapping[str, int]
    before: Mapping[str, Mapping[str, Value | None]]
    after: Mapping[str, Mapping[str, Value | None]]
    under_way: Sequence[UnderWay] = ()

    @property
    def changed(self) -> tuple[Subject, ...]:
        return tuple(map(Subject.parse, self.after))

    def line(self) -> bytes:
        # A tuple with names is no list for JSON.
        told = {name: getattr(self, name) for name in self.__slots__}
        told["under_way"] = [*map(tuple, self.under_way)]
        return orjson.dumps(told, option=_LINE)


@dataclass(frozen=True, slots=True)
class Told:
    """The answer to an ask, by its number; ``why`` there is none, as a notice's last word."""

    number: int
    estimate: Estimate | None = None
    why: str = ""

    def line(self) -> bytes:
        return orjson.dumps(self, option=_LINE)


def ask_of(line: bytes) -> Ask:
    told = orjson.loads(line)
    told["under_way"] = [UnderWay._make(each) for each in told["under_way"]]
    return Ask(**told)


def told_of(line: bytes) -> Told:
    """Raises ValueError, TypeError or KeyError for what is no answer."""
    told: dict[str, Any] = orjson.loads(line)
    figures = told["estimate"]
    if figures is None:
        return Told(told["number"], None, told["why"])
    for name, kind in (("hits", Hit), ("binds", Bind), ("loads", Load)):
        figures[name] = tuple(kind(**each) for each in figures[name])
    if figures["money"] is not None:
        figures["money"] = Money(**figures["money"])
    return Told(told["number"], Estimate(**figures))

"""The targets of the models: what is taken of each one's limits, how it is, and its headroom."""

from collections.abc import Mapping
from typing import Final

from quotadeck.domain.routed import TargetTook
from quotadeck.domain.rules import RULES, Measure
from quotadeck.domain.snapshot import Gap, LimitReading, TargetRow, limit_on
from quotadeck.domain.state import StateKind, Urgency
from quotadeck.domain.subject import Subject
from quotadeck.tui.columns.parts import ATTENTION_AT, At
from quotadeck.tui.columns.use import share
from quotadeck.tui.columns.why import FIRST, OWN, Part, filled, first, other
from quotadeck.tui.kit.fit import cell_len, fit, fit_middle
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.tui.model_rows import ModelRow
from quotadeck.words import text
from quotadeck.words.numbers import NONE, short
from quotadeck.words.states import cleared_short, cleared_words

_FIELDS: Final = tuple(rule.field for rule in RULES if rule.measure is not Measure.MONEY)
_LEAST: Final = 16
"""What is told at the end has at least so many cells: ``room for 288 rpm``."""
_LEAST_NAME: Final = 16
_ALL: Final = 56
"""From so many cells on there is room for how long it took lately, too."""


class TargetLines:
    """Lines of targets in columns that are the same for all models."""

    def __init__(
        self, targets: Mapping[str, TargetRow], at: At, width: int, took: Mapping[str, TargetTook]
    ) -> None:
        self._targets = targets
        self._took = took
        self._at = at
        self._width = width
        self._serves = text("models.serves")
        self._name = max((cell_len(one) for one in targets), default=0)
        self._cells = {
            field: max((cell_len(_used(row, field)) for row in targets.values()), default=0)
            for field in _FIELDS
            if any(limit_on(row, field) for row in targets.values())
        }
        self._narrow()

    def _narrow(self) -> None:
        """What there is no room for: columns go whole, the last first, then names are cut."""
        while self._cells and self._told < _LEAST:
            over = _LEAST - self._told
            if self._name - over >= _LEAST_NAME:
                self._name -= over
                return
            if len(self._cells) == 1:
                break
            del self._cells[next(reversed(self._cells))]
        self._name = max(_LEAST_NAME, min(self._name, self._name - (_LEAST - self._told)))

    @property
    def _told(self) -> int:
        """What is left for how it is."""
        columns = sum(cells + 2 for cells in self._cells.values())
        return self._width - 5 - self._name - 1 - cell_len(self._serves) - columns - 2

    def line(self, number: int, target: str, model: ModelRow, *, chosen: bool) -> Line:
        """A target in its place on the model's route."""
        row, at = self._targets.get(target), self._at
        serves = model.route.serving == target and not model.route.paused
        role = "chosen" if chosen else at.quiet("strong" if serves else "normal")
        name = fit(fit_middle(target, self._name), self._name)
        spans = [
            Span(" ▸ " if chosen else "   ", "key"),
            Span(f"{number % 10} ", "dim"),
            Span(name, role),
            Span(f" {self._serves if serves else ' ' * cell_len(self._serves)}", at.quiet("key")),
        ]
        if row is None:
            return crop(spans, self._width)
        for field, cells in self._cells.items():
            limit = limit_on(row, field)
            near = limit is not None and share(limit) >= ATTENTION_AT
            spans.append(
                Span(f"  {fit(self._figure(row, field), cells, right=True)}",
                     at.quiet("attention" if near else "normal" if serves else "dim"))
            )  # fmt: skip
        spans.append(Span("  "))
        return crop([*spans, *filled(self._parts(row), max(1, self._told))], self._width)

    def below(self, target: str, *, serves: bool) -> list[Line]:
        """How long it took lately, where there is no room for that beside it.

        Of the one that serves, and of one that was limited lately.
        """
        took = self._took.get(target)
        if took is None or self._told >= _ALL or not (serves or took.limited_over_us is not None):
            return []
        return [crop([Span(f"     {' · '.join(self._lately(took))}", "dim")], self._width)]

    def _lately(self, took: TargetTook) -> list[str]:
        told = []
        if took.ended:
            first_byte = took.first_p95_ms
            told.append(text("models.took", p50=took.p50_ms, p95=took.p95_ms, first=first_byte))
        if took.limited_over_us is not None:
            ago_ms = (self._at.now.now_us - took.limited_over_us) // 1_000
            told.append(text("models.limited_over", ago_ms=ago_ms))
        return told

    def _figure(self, row: TargetRow, field: str) -> str:
        return NONE if Gap.TARGETS in self._at.now.lacks else _used(row, field)

    def _parts(self, row: TargetRow) -> list[Part]:
        """What holds of it, what is over, and for how much there is room."""
        at, state = self._at, row.state
        parts = []
        held = [one for one in (state, *state.others) if one.kind is not StateKind.OK]
        if held:
            own = Subject.target(row.id)
            parts.append(first(held[0], row.flow.refused_60s, row.changes, at, own))
            parts += [other(one, at) for one in held[1:]]
        over = cleared_words(state, at.now.now_ms)
        if over:
            forms = ((FIRST, (cleared_short(state, at.now.now_ms),)), (OWN + 2, tuple(over)))
            parts.append(Part(at.quiet("dim"), forms))
        room = headroom(row)
        if room is not None and Gap.TARGETS not in at.now.lacks:
            ill = bool(held) and held[0].urgency is Urgency.TROUBLE
            role = at.quiet(
                "attention" if not room.used < room.limit else "dim" if ill else "normal"
            )
            parts.append(Part(role, ((OWN, (_room(room),)),)))
        took = self._took.get(row.id)
        if took is not None and self._told >= _ALL:
            turn = OWN + 1
            parts += [Part("dim", ((turn, (one,)),)) for one in self._lately(took)]
        return parts or [Part("dim", ((FIRST, (text("models.no_limit"),)),))]


def headroom(row: TargetRow) -> LimitReading | None:
    """The limit of which least is left, by share; None where it has none."""
    limits = [limit for field in _FIELDS if (limit := limit_on(row, field))]
    return max(limits, key=lambda limit: int(share(limit) * 100), default=None)


def _room(limit: LimitReading) -> str:
    left = max(0, limit.limit - limit.used)
    if not left:
        return text("models.no_room", field=limit.field)
    return text("models.room", left=short(left), field=limit.field)


def _used(row: TargetRow, field: str) -> str:
    limit = limit_on(row, field)
    if limit is None:
        return NONE
    used, most = short(limit.used), short(limit.limit)
    return text("models.used", used=used, most=most, field=limit.field)

"""What passed around an instant as sums of a whole minute or hour tell it, instead of calls."""

from collections.abc import Iterable

from quotadeck.domain.calls import Outcome
from quotadeck.domain.passed import Around, Lately, Passed, Took
from quotadeck.domain.subject import SubjectKind
from quotadeck.store.reading.around import Totals

_FIVE_MINUTES_US = 300_000_000
_MINUTES = 60

Refused = tuple[str, str, str, int]
"""Project, model, cause, how many."""


def around_minutes(rows: Iterable[Totals], refused: Iterable[Refused], minute_us: int) -> Around:
    """From the ten minutes that end with the one that begins at ``minute_us``: its own figures,
    the spend of all, the models and latencies of five."""
    passed: list[Passed] = []
    lately: list[Lately] = []
    took: list[Took] = []
    for one in rows:
        if one.period_us == minute_us:
            passed += _ended(one, 1)
        five = one.period_us > minute_us - _FIVE_MINUTES_US
        lately.append(_lately(one, one.cost_nano, five=five))
        if five:
            took.append(_took(one))
    passed += [_refused(each, 1) for each in refused]
    return Around(passed, lately, (), took)


def around_hour(rows: Iterable[Totals], refused: Iterable[Refused]) -> Around:
    """Means of the hour: of a minute, and of ten of them. What there was at all is never none."""
    found = list(rows)
    passed = [each for one in found for each in _ended(one, _MINUTES)]
    passed += [_refused(each, _MINUTES) for each in refused]
    lately = [_lately(one, -(-one.cost_nano // 6), five=True) for one in found]
    return Around(passed, lately, (), [_took(one) for one in found])


def _ended(one: Totals, by: int) -> list[Passed]:
    """A row for each way in which calls ended."""
    used = (one.input_tokens, one.output_tokens, one.cost_nano)
    told = []
    for outcome, count in (
        (Outcome.OK, one.forwarded - one.failed - one.invalid),
        (Outcome.UPSTREAM_ERROR, one.failed),
        (Outcome.CLIENT_ERROR, one.invalid),
    ):
        calls = -(-count // by)
        figures = (-(-amount // by) for amount in used) if outcome is Outcome.OK else (0, 0, 0)
        told.append(Passed(one.project, "", one.model, outcome, "", "", calls, calls, *figures))
    return told


def _refused(one: Refused, by: int) -> Passed:
    project, model, cause, count = one
    calls = -(-count // by)
    return Passed(project, "", model, Outcome.REFUSED, cause, "", calls, calls, 0, 0, 0)


def _lately(one: Totals, cost_nano: int, *, five: bool) -> Lately:
    models = (one.model,) if five else ()
    return Lately(SubjectKind.PROJECT, one.project, cost_nano, 0, 0, models)


def _took(one: Totals) -> Took:
    columns = {at: count for at, count in enumerate(one.latency) if count}
    return Took(SubjectKind.PROJECT, one.project, columns)

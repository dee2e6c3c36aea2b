"""One list of all that happened: nothing twice, nothing lost, effects under their changes."""

from itertools import pairwise

from quotadeck.domain.happenings import HappeningKind, Span, happenings
from tests.tui.happened import alarm, event, night
from tests.tui.scenes import AT_US, MINUTE_US
from tests.tui.scripted import entry

EVER = Span(0, AT_US + 1)


def kinds(span: Span = EVER) -> list[str]:
    made = night()
    told = happenings(span, made["happened"].alarms, made["rows"], made["happened"].events)
    return [str(one.kind) for one in told]


def test_all_of_a_night_stands_once_the_newest_first() -> None:
    assert kinds() == [
        "change", "ended", "alarm", "refused", "alarm", "change", "incident", "ran_out", "note",
        "incident", "change", "ended", "incident", "alarm",
    ]  # fmt: skip


def test_spans_put_together_are_the_whole() -> None:
    cuts = [0, AT_US - 1_450 * MINUTE_US, AT_US - 22 * MINUTE_US, AT_US - 12 * MINUTE_US, AT_US + 1]
    parts = [kinds(Span(low, high)) for low, high in pairwise(cuts)]
    assert [kind for part in reversed(parts) for kind in part] == kinds()


def test_a_change_of_several_is_one_and_has_what_was_measured_of_each() -> None:
    rows = [entry(seq, group="cmd_1", at_us=AT_US) for seq in (3, 2, 1)]
    measured = [event(n, 0, "effect", command=row.entry.id) for n, row in enumerate(rows)]
    (one,) = happenings(EVER, (), rows, measured)
    assert [row.entry.seq for row in one.entries] == [1, 2, 3]
    assert len(one.effects) == 3


def test_an_effect_whose_change_is_not_there_stands_alone() -> None:
    measured = event(1, 0, "effect", "project:search", command="cmd_gone")
    (one,) = happenings(EVER, (), (), [measured])
    assert (one.kind, one.subject.name) == (HappeningKind.EFFECT, "search")


def test_an_alarm_that_lasts_has_no_end() -> None:
    told = happenings(EVER, [alarm("search", "storm", 5, None)], (), ())
    assert [one.kind for one in told] == [HappeningKind.ALARM]

"""What is in force: file, standing change and override, compiled; and read again in part only."""

from dataclasses import replace

from quotadeck.admission.planned import ProjectPlan, TargetPlan
from quotadeck.admission.prepared import prepare
from quotadeck.admission.size import Size
from quotadeck.domain.commands import Field
from quotadeck.domain.layers import Layer
from quotadeck.domain.limits import MICRO, BudgetLimit, Priority, RateLimit, SlotLimit
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.rules import LimitKind
from quotadeck.domain.subject import Subject
from quotadeck.gateway.plan import compile_plan, file_layer, limits_of, recompile
from tests.gateway.values import FLASH, NOON_US, OPUS, WINDOWS, catalogue, entry, layers, plan

HOUR_US = 3_600_000_000
ANALYTICS = Subject.project("analytics")


def bounds(of: ProjectPlan | TargetPlan) -> dict[LimitKind, object]:
    """The buckets' limits, by their kinds."""
    return {each.rule.kind: each.limit for each in of.limits}


def test_file_alone_is_in_force_without_commands() -> None:
    project = plan(catalogue(concurrency=4)).projects["analytics"]
    assert bounds(project) == {
        LimitKind.RPM: RateLimit(60, 10),
        LimitKind.TPM: RateLimit(60_000, 60),
        LimitKind.CONCURRENCY: SlotLimit(4),
        LimitKind.BUDGET: None,
    }
    assert project.budget.value == NANO_PER_USD
    assert (project.version, project.paused, project.changes) == (0, None, ())


def test_project_without_limits_has_no_buckets() -> None:
    project = plan(catalogue()).projects["search"]
    assert bounds(project) == {LimitKind.BUDGET: None}, "what is spent is counted all the same"
    assert project.budget.value is None


def test_override_wins_over_a_standing_change_and_ends_by_itself() -> None:
    of = catalogue()
    commands = (
        entry(1, ANALYTICS, Field.RPM, 30),
        entry(2, ANALYTICS, Field.RPM, 90, until_us=NOON_US + HOUR_US),
    )
    during = plan(of, *commands).projects["analytics"]
    after = plan(of, *commands, now_us=NOON_US + HOUR_US).projects["analytics"]
    assert (bounds(during)[LimitKind.RPM], bounds(after)[LimitKind.RPM]) == (
        RateLimit(90, 10),
        RateLimit(30, 10),
    )
    assert during.version == 2
    assert [item.layer for item in during.changes] == [Layer.OVERRIDE]
    assert [item.layer for item in after.changes] == [Layer.STANDING]


def test_each_limit_of_a_project_and_target_can_be_set() -> None:
    changed = plan(
        catalogue(),
        entry(1, ANALYTICS, Field.TPM, 1_000),
        entry(2, ANALYTICS, Field.CONCURRENCY, 2),
        entry(3, ANALYTICS, Field.BUDGET, 5),
        entry(4, Subject.target(OPUS), Field.RPM, 6),
        entry(5, Subject.target(OPUS), Field.TPM, 7_000),
    )
    project, target = changed.projects["analytics"], changed.targets[OPUS]
    assert bounds(project)[LimitKind.TPM] == RateLimit(1_000, 60)
    assert bounds(project)[LimitKind.CONCURRENCY] == SlotLimit(2)
    assert project.budget.value == 5
    assert bounds(target) == {LimitKind.RPM: RateLimit(6, 10), LimitKind.TPM: RateLimit(7_000, 60)}
    assert target.version == 5


def test_a_class_for_a_while_is_the_one_that_requests_go_by() -> None:
    given = entry(1, ANALYTICS, Field.PRIORITY, "low", until_us=NOON_US + HOUR_US)
    for now_us, expected in ((NOON_US, Priority.LOW), (NOON_US + HOUR_US, Priority.MEDIUM)):
        of = plan(catalogue(), given, now_us=now_us)
        assert prepare(of.projects["analytics"], of.targets[OPUS]).priority is expected
        assert of.projects["search"].project.priority is Priority.MEDIUM


def test_takes_know_whether_they_are_shared_or_shadow() -> None:
    of = catalogue(target={"rpm": 50}, concurrency=1, shadow=frozenset({LimitKind.RPM}))
    size, day = Size(10, 5, 7, False), BudgetLimit(9, "2026-11-24", 1)
    now = plan(of)
    prepared = prepare(now.projects["analytics"], now.targets[OPUS])
    rpm, tpm, slot, money, shared = prepared.takes_for(size, day)
    assert (rpm.amount, rpm.shadow, rpm.shared) == (MICRO, True, False)
    assert (tpm.amount, tpm.shadow, tpm.shared) == (15 * MICRO, False, False)
    assert (slot.amount, slot.shadow, money.amount, money.limit) == (1, False, 7, day)
    assert (shared.amount, shared.shared) == (MICRO, True)


def test_pauses_of_project_and_model_are_in_force_until_they_end() -> None:
    commands = (
        entry(1, ANALYTICS, Field.PAUSED, True, until_us=NOON_US + HOUR_US),
        entry(2, Subject.model("opus"), Field.PAUSED, True),
    )
    now, later = plan(catalogue(), *commands), plan(catalogue(), *commands, now_us=NOON_US * 2)
    assert now.projects["analytics"].paused == commands[0]
    assert now.routes["opus"].paused == commands[1]
    assert later.projects["analytics"].paused is None
    assert later.routes["opus"].paused == commands[1]


def test_route_is_served_by_its_first_target_unless_forced() -> None:
    first = plan(catalogue()).routes["opus"]
    forced = plan(catalogue(), entry(1, Subject.model("opus"), Field.TARGET, FLASH)).routes["opus"]
    assert (first.serving, first.step) == (OPUS, 0)
    assert (forced.serving, forced.step) == (FLASH, 1)


def test_forced_target_that_left_the_file_does_not_serve() -> None:
    gone = plan(catalogue(), entry(1, Subject.model("opus"), Field.TARGET, "main/retired")).routes[
        "opus"
    ]
    assert (gone.serving, gone.step) == (OPUS, 0)


def test_reading_again_gives_the_whole_plan_and_keeps_what_was_not_named() -> None:
    of = catalogue()
    before = plan(of)
    changed = layers(
        of,
        entry(1, ANALYTICS, Field.RPM, 30),
        entry(2, Subject.target(OPUS), Field.RPM, 6),
        entry(3, Subject.model("opus"), Field.TARGET, FLASH),
    )
    subjects = [
        ANALYTICS,
        Subject.target(OPUS),
        Subject.model("opus"),
        Subject.project("gone"),
        Subject.key("k"),
        Subject.parse("nonsense"),
    ]
    again = recompile(before, subjects, of, changed, WINDOWS, NOON_US)
    assert again == compile_plan(of, changed, WINDOWS, NOON_US)
    assert again.projects["search"] is before.projects["search"]
    assert again.targets[FLASH] is before.targets[FLASH]
    assert before == plan(of), "the plan that requests still read has not changed"


def test_limits_by_bucket_are_all_that_are_measured() -> None:
    of = catalogue(concurrency=4, target={"rpm": 50, "tpm": 200_000})
    assert limits_of(plan(of)) == {
        "project:analytics:rpm": RateLimit(60, 10),
        "project:analytics:tpm": RateLimit(60_000, 60),
        "project:analytics:concurrency": SlotLimit(4),
        f"target:{OPUS}:rpm": RateLimit(50, 10),
        f"target:{OPUS}:tpm": RateLimit(200_000, 60),
    }


def test_file_layer_names_every_value_of_the_file() -> None:
    of = catalogue(concurrency=4, target={"rpm": 50})
    assert file_layer(of) == {
        (ANALYTICS, Field.RPM): 60,
        (ANALYTICS, Field.TPM): 60_000,
        (ANALYTICS, Field.CONCURRENCY): 4,
        (ANALYTICS, Field.BUDGET): NANO_PER_USD,
        (Subject.target(OPUS), Field.RPM): 50,
        (Subject.model("opus"), Field.TARGET): OPUS,
        (Subject.model("flash"), Field.TARGET): FLASH,
        (ANALYTICS, Field.PRIORITY): "medium",
        (Subject.project("search"), Field.PRIORITY): "medium",
    }


def test_windows_are_the_burst() -> None:
    wide = compile_plan(catalogue(), layers(catalogue()), replace(WINDOWS, request_s=30), NOON_US)
    assert bounds(wide.projects["analytics"])[LimitKind.RPM] == RateLimit(60, 30)

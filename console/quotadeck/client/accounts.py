"""A manager's reports: what was used, by project, run and provider, as of one instant."""

from typing import TYPE_CHECKING

from quotadeck.client.availability import Room, full, rooms_of
from quotadeck.client.report import ProviderUsage, UsageReport
from quotadeck.domain.limits import MICRO
from quotadeck.limiter.at_once import complete

if TYPE_CHECKING:
    from quotadeck.client.core import Core
    from quotadeck.client.report import ProjectUsage, RunUsage
    from quotadeck.client.runs import RunTerms
    from quotadeck.client.transport.provider import Provider
    from quotadeck.client.want import Bound, Project


def report_of(core: "Core") -> UsageReport:
    """What every project and run used, and waits for, as of one instant."""
    with core.lock:
        core.look_after()
        projects = tuple([_usage(core, each) for each in core.projects.values()])
        runs = tuple([_run_usage(core, each) for each in core.runs.values()])
        providers = tuple([_provider(core, each) for each in core.providers.values()])
        return UsageReport(
            core.clock.wall_us(),
            projects,
            _rooms(core, core.everything),
            runs,
            core.away_since_us,
            providers,
            core.away,
            core.address,
        )


def usage_of_run(core: "Core", run: "RunTerms") -> "RunUsage":
    """What it has used of what it may."""
    with core.lock:
        core.look_after()
        return _run_usage(core, run)


def _run_usage(core: "Core", run: "RunTerms") -> "RunUsage":
    return run.usage(complete(core.limiter.money(run.days)))


def _usage(core: "Core", project: "Project") -> "ProjectUsage":
    day = project.terms.day
    money = complete(core.limiter.money({day.key: day.now().day})).get(day.key)
    spent, held = (money.spent_nano, money.held_nano) if money else (0, 0)
    rooms = core.rooms_elsewhere(project) or _rooms(core, project.terms)
    return project.tally.usage(project.name, len(project.line), spent, held, rooms)


def _provider(core: "Core", provider: "Provider") -> ProviderUsage:
    key = provider.pause_key
    pause = complete(core.limiter.levels((key,))).get(key)
    rooms = tuple([room for room in _rooms(core, provider) if room.bucket != key])
    paused_s = max(0, -pause.level) / MICRO if pause else 0
    return ProviderUsage(provider.name, provider.refused, paused_s, rooms)


def _rooms(core: "Core", terms: "Bound") -> tuple[Room, ...]:
    """What is left of each limit; a bucket that nothing was taken from is full."""
    takes = terms.takes(0, 0)
    states = complete(core.limiter.levels([take.key for take in takes]))
    levels = [states[take.key].level if take.key in states else full(take.limit) for take in takes]
    return rooms_of(takes, levels)

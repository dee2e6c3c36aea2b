"""Where and when the seeded stories play, and what is kept of a pause beside the gateway."""

from dataclasses import dataclass, field
from pathlib import Path

from quotadeck.domain.catalogue import Catalogue, Project, Route, Target
from quotadeck.domain.commands import Actor, Field, Role
from quotadeck.wire.config import GatewayConfig
from tests.gateway.values import FLASH, PRICE, UPSTREAM

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
ZONES = (
    "UTC",
    "Asia/Tokyo",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
)
DAYS_OF_CHANGE = (
    "2026-10-24",
    "2026-10-31",
    "2026-11-24",
    "2027-03-13",
    "2027-03-27",
    "2027-04-03",
)
STEPS_US = tuple(
    sign * step
    for sign in (1, -1)
    for step in (SECOND_US, HOUR_US, 3 * HOUR_US, DAY_US, 2 * DAY_US, 9 * DAY_US, 40 * DAY_US)
)
OUTPUT_NANO = 8_000
BOUND_NANO = 10 * OUTPUT_NANO
BUDGET_NANO = 4 * BOUND_NANO + BOUND_NANO // 2
ADA = Actor("ada", Role.ADMIN, "socket")
PROJECTS = ("a", "b", "c")


@dataclass
class Pause:
    """One pause as it should be: by the steady clock's end, or by the wall clock's."""

    project: str
    command_id: str
    steady_end_us: int | None
    wall_end_us: int
    enders: list["Ender"] = field(default_factory=list)
    over: bool = False

    @property
    def in_force(self) -> bool:
        return not self.over and not any(ender.living for ender in self.enders)


@dataclass
class Ender:
    """A resume or an undo, as long as it is not undone itself."""

    command_id: str
    living: bool = True


def config_of(state: Path, zones: dict[str, str]) -> GatewayConfig:
    """A gateway of these projects, each with the day of its zone."""
    projects = {
        name: Project(name, name, limits={Field.BUDGET: BUDGET_NANO}, zone=zone)
        for name, zone in zones.items()
    }
    return GatewayConfig(
        name="story",
        listen_host="127.0.0.1",
        listen_port=0,
        socket=state / "s",
        state=state,
        socket_group=None,
        roles={},
        catalogue=Catalogue(
            projects=projects,
            upstreams={"main": UPSTREAM},
            targets={FLASH: Target(FLASH, "main", "flash-2.5", PRICE)},
            routes={"flash": Route("flash", (FLASH,))},
        ),
        request_window_s=10,
        token_window_s=60,
        body_limit_bytes=100_000,
    )

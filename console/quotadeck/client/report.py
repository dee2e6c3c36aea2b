"""What was used, by project: values, and the same as a table."""

from dataclasses import dataclass, fields
from typing import Final, NamedTuple

from quotadeck.client.availability import Room


@dataclass(frozen=True, slots=True)
class ProjectUsage:
    """One project. Counts are since the manager was made, money spent and held is of today.

    ``requests`` were charged, ``estimated`` of them as estimated, for nobody settled them;
    ``released`` were given back, ``refused`` ended without (timeout, budget). ``waiting`` are in
    the line now; ``waited_s`` is how long all have waited together. Money is nano-dollars.
    """

    project: str
    requests: int
    estimated: int
    released: int
    refused: int
    waiting: int
    waited_s: float
    input_tokens: int
    output_tokens: int
    cost_nano: int
    spent_nano: int
    held_nano: int
    rooms: tuple[Room, ...]


class RunUsage(NamedTuple):
    """What a run has used of what it may: limits are None for none, money is nano-dollars.

    ``ended`` is why it lets nothing pass any more; empty as long as it does.
    """

    name: str
    requests: int
    under_way: int
    most_requests: int | None
    spent_nano: int
    held_nano: int
    budget_nano: int | None
    left_s: float | None
    ended: str


class ProviderUsage(NamedTuple):
    """What a provider of the manager's HTTP clients told of itself, for one of its models.

    ``name`` is its host and the model, such as ``api.openai.com/gpt-4.1``; ``refused`` are the 429
    that it answered; for ``paused_s`` from now on nothing is sent there. ``rooms`` are its limits
    as it told them, and what is believed to be left of them now.
    """

    name: str
    refused: int
    paused_s: float
    rooms: tuple[Room, ...]

    @property
    def is_known(self) -> bool:
        """Whether it told anything of itself."""
        return bool(self.refused or self.paused_s or self.rooms)


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Every project and run that was named so far, and the limits of everything.

    As text it is a table of the projects, with what all of them share last, and one each of the
    runs and the providers where anything is known of any.
    """

    at_us: int
    projects: tuple[ProjectUsage, ...]
    rooms: tuple[Room, ...]
    runs: tuple[RunUsage, ...] = ()
    away_since_us: int | None = None
    """Since when the gateway does not answer, where the state is in one: only what is leased is
    spent meanwhile. None while it does."""
    providers: tuple[ProviderUsage, ...] = ()
    away: str = ""
    """Where it is and what is met there instead, in words."""
    gateway: str = ""
    """Where the state is; empty where it is in this process."""

    def __getitem__(self, project: str) -> ProjectUsage:
        """Raises KeyError for a project that nobody has named yet."""
        for each in self.projects:
            if each.project == project:
                return each
        known = ", ".join(each.project for each in self.projects) or "none yet"
        raise KeyError(f"no project {project!r} has asked for anything; known: {known}")

    def __str__(self) -> str:
        rows = [_row(each, self.gateway) for each in self.projects]
        if self.rooms:
            rows.append(_row(self._all(), self.gateway))
        text = _table(_PROJECTS, rows)
        if self.runs:
            text += "\n\n" + _table(_RUNS, [_run_row(each) for each in self.runs])
        if known := [each for each in self.providers if each.is_known]:
            text += "\n\n" + _table(_PROVIDERS, [_provider_row(each) for each in known])
        if self.away_since_us is not None:
            from quotadeck.domain.days import rfc3339

            since = rfc3339(self.away_since_us // 1_000_000 * 1_000_000)
            text += f"\n{self.away} since {since}: only what is leased is spent"
        return text

    def _all(self) -> ProjectUsage:
        """What the projects used together, beside the limits of everything."""
        sums = {
            one.name: sum(getattr(each, one.name) for each in self.projects)
            for one in fields(ProjectUsage)
            if one.name not in ("project", "rooms")
        }
        return ProjectUsage(project="(all)", rooms=self.rooms, **sums)


_PROJECTS: Final = (
    "project",
    "requests",
    "waiting",
    "refused",
    "tokens in",
    "out",
    "cost today",
    "left",
)
_RUNS: Final = "run", "requests", "under way", "cost", "budget", "time left", "state"
_PROVIDERS: Final = "provider", "429s", "paused", "left"
_NONE: Final = "–"


def _table(head: tuple[str, ...], told: list[tuple[str, ...]]) -> str:
    from quotadeck.domain.text import clean

    # Names are an application's own, and may come from whoever uses it.
    rows = [head, *((clean(name), *cells) for name, *cells in told)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at in (0, len(row) - 1) else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _row(one: ProjectUsage, gateway: str) -> tuple[str, ...]:
    from quotadeck.domain.money import usd_short

    return (
        one.project,
        f"{one.requests:,}",
        f"{one.waiting:,}",
        f"{one.refused:,}",
        f"{one.input_tokens:,}",
        f"{one.output_tokens:,}",
        # Without prices here a gateway alone knows, and tells it by what is left.
        _NONE if gateway and not one.spent_nano else usd_short(one.spent_nano),
        _left(one.rooms),
    )


def _run_row(one: RunUsage) -> tuple[str, ...]:
    from quotadeck.domain.money import usd_short
    from quotadeck.domain.typed import duration_words

    most = "" if one.most_requests is None else f" of {one.most_requests:,}"
    return (
        one.name,
        f"{one.requests:,}{most}",
        f"{one.under_way:,}",
        usd_short(one.spent_nano),
        _NONE if one.budget_nano is None else usd_short(one.budget_nano),
        _NONE if one.left_s is None else duration_words(int(one.left_s * 1_000)),
        one.ended or "goes on",
    )


def _provider_row(one: ProviderUsage) -> tuple[str, ...]:
    paused = f"{one.paused_s:.1f} s" if one.paused_s else "no"
    return one.name, f"{one.refused:,}", paused, _left(one.rooms)


def _left(rooms: tuple[Room, ...]) -> str:
    """A rate's bucket holds less than a minute of it: what is there now is no part of it."""
    from quotadeck.domain.money import usd_short

    left = []
    for room in rooms:
        figure = usd_short if room.kind == "budget" else "{:,}".format
        now = " now" if room.kind in ("rpm", "tpm") else ""
        left.append(f"{figure(room.left)}{now} of {figure(room.limit)} {room.kind}")
    return ", ".join(left)

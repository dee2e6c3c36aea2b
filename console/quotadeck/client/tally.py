"""The counts of what a project has used."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quotadeck.client.availability import Room
    from quotadeck.client.report import ProjectUsage
    from quotadeck.client.reservation import Charge


class Tally:
    """A project's counts since the manager was made."""

    __slots__ = (
        "cost_nano",
        "estimated",
        "input_tokens",
        "output_tokens",
        "refused",
        "released",
        "requests",
        "waited_s",
    )

    def __init__(self) -> None:
        self.requests = self.estimated = self.released = self.refused = 0
        self.input_tokens = self.output_tokens = self.cost_nano = 0
        self.waited_s = 0.0

    def add(self, charge: "Charge") -> None:
        """Count a request that was charged."""
        self.requests += 1
        self.estimated += charge.estimated
        self.input_tokens += charge.input_tokens
        self.output_tokens += charge.output_tokens
        self.cost_nano += charge.cost_nano

    def usage(
        self, project: str, waiting: int, spent_nano: int, held_nano: int, rooms: "tuple[Room, ...]"
    ) -> "ProjectUsage":
        """The counts as a value, beside what only its manager knows."""
        from quotadeck.client.report import ProjectUsage

        return ProjectUsage(
            project,
            self.requests,
            self.estimated,
            self.released,
            self.refused,
            waiting,
            self.waited_s,
            self.input_tokens,
            self.output_tokens,
            self.cost_nano,
            spent_nano,
            held_nano,
            rooms,
        )

"""Where a manager's state is: in this process, so that there is nobody else to ask or to tell.

The methods here are asked of any state. They mean something where the state is in a gateway:
`quotadeck.client.leased.core` has its answers.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quotadeck.client.availability import Room
    from quotadeck.client.want import Project, Want


class InProcess:
    """The answers of a state that is in this process."""

    address: str = ""
    """The address of the gateway that holds the state; empty where this process does."""
    away_since_us: int | None = None
    """Since when that gateway does not answer; None while it does."""
    away: str = ""
    """That it does not answer, and why, in words; empty while it does."""

    def trouble(self, project: "Project") -> str:  # noqa: ARG002
        """What keeps the project's requests waiting, where that is no limit, in words; or ""."""
        return self.away

    def headers(self, want: "Want", name: str) -> dict[str, str]:  # noqa: ARG002
        """What the call of the reservation of that name has to send to the gateway."""
        return {}

    def is_at(
        self,
        scheme: str,  # noqa: ARG002
        host: str,  # noqa: ARG002
        port: int | None,  # noqa: ARG002
        path: str,  # noqa: ARG002
    ) -> bool:
        """Whether that is the gateway's address, and a path of its own."""
        return False

    def counted(self, want: "Want", name: str, *, there: bool) -> None:
        """Whether a gateway has answered this reservation's call, and so counts it: else it is told
        what the call used."""

    def lease_over(self, project: str, lease: str) -> None:
        """The gateway has said of this lease of the project's that it is over."""

    def rooms_elsewhere(self, project: "Project") -> "tuple[Room, ...]":  # noqa: ARG002
        """What is left of the project's limits in the gateway."""
        return ()

    def close(self) -> None:
        """Give back what is leased of the gateway."""

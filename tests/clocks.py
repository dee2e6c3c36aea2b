"""A clock that only a test turns."""


class HandClock:
    """Monotonic and wall time that stand still until told otherwise; starts 2026-11-24T03:00Z."""

    def __init__(self, wall_us: int = 1_795_489_200_000_000) -> None:
        self.boot = "boot-1"
        self._monotonic_ns = 1_000_000_000
        self._wall_ns = wall_us * 1_000

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def wall_us(self) -> int:
        return self._wall_ns // 1_000

    def advance_ms(self, ms: int) -> None:
        """Let both clocks run on."""
        self.advance_ns(ms * 1_000_000)

    def advance_ns(self, ns: int) -> None:
        self._monotonic_ns += ns
        self._wall_ns += ns

    def reboot(self) -> None:
        """Begin another run of the monotonic clock, as a machine that starts."""
        self.boot = f"boot-{int(self.boot.removeprefix('boot-')) + 1}"
        self._monotonic_ns = 2_000_000_000

    def set_wall(self, wall_us: int) -> None:
        """Step the wall clock alone, as an administrator or NTP would."""
        self._wall_ns = wall_us * 1_000

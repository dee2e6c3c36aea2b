"""How often the console draws."""

from typing import Final

STEPS_S: Final = (0.2, 0.5, 1.0, 2.0)


class Pace:
    """The interval in force, and the ways to the next one."""

    def __init__(self) -> None:
        self._step = STEPS_S.index(1.0)

    @property
    def interval_s(self) -> float:
        """Seconds from one drawing to the next."""
        return STEPS_S[self._step]

    def faster(self) -> None:
        self._step = max(0, self._step - 1)

    def slower(self) -> None:
        self._step = min(len(STEPS_S) - 1, self._step + 1)

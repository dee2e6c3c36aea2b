"""In what time a provider's limit refills, as far as its replies let that be believed.

What is missing of a bucket, and the time until it is full again, are in proportion; but resets are
told in steps, of whole seconds as often as not, and counts are rounded. So a reply leaves the time
between two bounds, far apart where little is gone: a bucket of 4,000 a minute that one request was
taken of is full "in 1 s", and would take an hour by that. Bounds that leave nothing between them
are of a window that begins anew at an instant, whatever is gone.
"""

from math import inf
from typing import Final

from quotadeck.client.transport.rate_headers import Told

MINUTE_S: Final = 60
"""What a limit is of where nothing else is known: to hold a day's back so is to let it go."""
_LONG_S: Final = 600
"""What refills more slowly is a day's limit: it is no rate, and holds back once it is used up."""
_SHORT_S: Final = 45
"""What refills faster is a bucket of less than a minute's worth, as those of a gateway are."""
SURE: Final = 3
"""So many replies must have told of it before a window other than a minute's is believed."""
_AGREE: Final = 0.8


class Window:
    """What was told of one limit."""

    __slots__ = ("_about_s", "_at_most_s", "_best", "_least_s", "_longest_s", "_most_s", "seen")

    def __init__(self) -> None:
        self.seen = 0
        self._least_s, self._most_s = 0.0, inf
        self._longest_s = 0.0
        """The longest time to a full one."""
        self._best = 0.0
        """The most steps of a reset: by that reply, ``_about_s``, and ``_at_most_s``."""
        self._about_s = self._at_most_s = 0.0

    def see(self, told: Told, full_ms: int) -> None:
        """A reply tells of something gone, and the time until it has come back."""
        self.seen += 1
        gone = told.limit - told.left
        full_s, step_s = full_ms / 1_000, told.step_ms / 1_000
        self._longest_s = max(self._longest_s, full_s)
        self._least_s = max(self._least_s, (full_s - step_s) * told.limit / gone)
        if gone > 1:
            self._most_s = min(self._most_s, (full_s + step_s) * told.limit / (gone - 1))
        if full_s / step_s >= self._best:
            self._best = full_s / step_s
            self._about_s = full_s * told.limit / gone
            self._at_most_s = (full_s + step_s) * told.limit / gone

    @property
    def begins_anew(self) -> bool:
        """Whether all of it comes back at an instant."""
        return self._least_s * _AGREE > self._most_s

    @property
    def is_long(self) -> bool:
        """Whether it is no rate."""
        refills = not self.begins_anew and self._most_s < inf
        sure = self.seen >= SURE and refills and self._least_s > _LONG_S
        return sure or self._longest_s > _LONG_S

    @property
    def seconds(self) -> int:
        """In how many the whole limit comes back, where it is a rate."""
        about_s = min(self._about_s, self._most_s)
        sure = self.seen >= SURE and not self.begins_anew and self._at_most_s < MINUTE_S
        return (round(about_s) or 1) if sure and 0.5 < about_s < _SHORT_S else MINUTE_S

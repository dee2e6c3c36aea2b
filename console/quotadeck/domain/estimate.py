"""What a change would have meant for the real calls of the last minutes, as they were replayed.

Instants are UTC microseconds, money is nano-dollars. "Before" is under what is in force, "after"
under the change; each figure is of the whole time from ``since_us`` to ``until_us``.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """Another project that the change gives more to, or less."""

    project: str
    admitted_before: int
    admitted_after: int
    refused_before: int
    refused_after: int


@dataclass(frozen=True, slots=True)
class Bind:
    """A limit that refuses requests of the change's subject: its bucket, and how many.

    The bucket is ``project:NAME:paused`` or ``model:NAME:paused`` where a pause does.
    """

    bucket: str
    refused_before: int
    refused_after: int


@dataclass(frozen=True, slots=True)
class Load:
    """What a target would carry of one of its limits, in that limit's unit.

    ``before`` and ``after`` are means a minute, ``most_after`` is its busiest minute.
    """

    target: str
    kind: str
    limit: int
    before: int
    after: int
    most_after: int


@dataclass(frozen=True, slots=True)
class Money:
    """A project's day: how long what is left lasts, at what the replay spends.

    ``gone_before_us`` and ``gone_after_us`` are None where that is not before ``ends_us``, the
    day's end; an instant that is no later than the estimate's ``until_us`` means that it is spent.
    Limits are None for none.
    """

    spent_nano: int
    limit_before_nano: int | None
    limit_after_nano: int | None
    gone_before_us: int | None
    gone_after_us: int | None
    ends_us: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the replay came to, of the requests of the change's subject."""

    since_us: int
    until_us: int
    minutes: int
    requests: int
    """That came in that time: admitted, refused by a limit or a pause, or dropped as a retry."""
    admitted_before: int
    admitted_after: int
    refused_before: int
    refused_after: int
    spend_before_nano: int
    spend_after_nano: int
    admitted_really: int
    """How many of them were admitted when they came: what the replay is checked by."""
    all_there_is: bool = True
    """Whether nothing was left out for want of time, of the last quarter of an hour."""
    checked: bool = True
    """Whether "before" was replayed, too; else there was no time, and it is what really was."""
    same_terms: bool = True
    """Whether all that time the limits were as they are now, so that the check is one."""
    retries: int = 0
    """Dropped after: tries of requests that the change would have let through at once."""
    counted: int = 0
    """Of the requests, those of counted refusals, spread over their time at their mean size."""
    unsized: int = 0
    """Of the requests, those of which no record tells a size: taken for their kind's usual one."""
    others_refused_before: int = 0
    others_refused_after: int = 0
    hits: tuple[Hit, ...] = ()
    """Those that the change gives or takes the most, the hardest hit first."""
    hits_more: int = 0
    """How many more there are."""
    binds: tuple[Bind, ...] = ()
    """What refuses after, the most first; then what refuses no more."""
    loads: tuple[Load, ...] = ()
    money: Money | None = None
    in_flight: int = 0
    """Requests of the subject, of these, that are under way now."""

    def an_hour(self, nano: int) -> int:
        """What a sum of the whole time comes to in an hour."""
        return nano * 3_600_000_000 // max(1, self.until_us - self.since_us)

"""A fixed logarithmic histogram of milliseconds: 36 columns, factor √2 from 1 ms (to 185 s).

Columns, not a blob, because SQLite can add columns in an UPSERT.
"""

from bisect import bisect_left

BOUNDS_MS: tuple[float, ...] = tuple(2 ** (i / 2) for i in range(35))
"""Upper bounds of the first 35 columns; the last column is open."""
COLUMNS = len(BOUNDS_MS) + 1


def column(ms: float) -> int:
    """The column that a latency falls into."""
    return bisect_left(BOUNDS_MS, ms)


def quantile_ms(counts: list[int] | tuple[int, ...], q: float) -> int | None:
    """The quantile in ms, as if a column's calls were spread evenly over it; None without counts.

    In the open column it is that column's lower bound: so long at least.
    """
    rank = q * sum(counts)
    if not rank:
        return None
    below = 0
    for index, count in enumerate(counts):
        if count and below + count >= rank:
            low = BOUNDS_MS[index - 1] if index else 0.0
            high = BOUNDS_MS[index] if index < len(BOUNDS_MS) else low
            return round(low + (high - low) * (rank - below) / count)
        below += count
    return round(BOUNDS_MS[-1])

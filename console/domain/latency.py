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
    """The upper bound of the column in which the quantile lies, in ms; None without counts."""
    total = sum(counts)
    if total == 0:
        return None
    rank = q * total
    seen = 0
    for index, count in enumerate(counts):
        seen += count
        if seen >= rank:
            return round(BOUNDS_MS[min(index, len(BOUNDS_MS) - 1)])
    return round(BOUNDS_MS[-1])

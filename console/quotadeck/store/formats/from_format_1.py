"""The tables of the first format as the second has them, statement by statement.

What is copied stands in the database ``old``. This stays as it is, whatever becomes of the tables:
the next format has a file like it, which goes on from the second.
"""

from typing import Final

_CAUSES: Final = (
    *("rpm", "tpm", "concurrency", "budget"),
    *("target_rpm", "target_tpm", "paused", "never_fits"),
)
"""Each had a column in the first format's roll-ups."""
_LATENCY: Final = tuple(f"latency_{index:02}" for index in range(36))
_SUMS: Final = (
    *("forwarded", "upstream_errors", "client_errors", "unknown"),
    *("input_tokens", "cached_tokens", "output_tokens", "cost_nano_usd"),
    *_LATENCY,
)
_SAME_IN_CALLS: Final = (
    *("seq", "source_id", "id", "at_us", "day", "project", "key_id", "priority", "model"),
    *("outcome", "cause", "http_status", "count", "response_id", "served_model", "target"),
    *("fallback_step", "estimated_input", "estimated_output", "held_nano_usd"),
    *("bound_is_estimate", "cost_nano_usd", "price_version", "binding", "shadowed", "queue_ms"),
    *("first_byte_ms", "total_ms", "stream", "retry", "input_tokens", "cached_tokens"),
    *("output_tokens", "usage_is_estimate"),
)
_NEW_IN_CALLS: Final = {
    "run_id": "''",
    "client_request_id": "''",
    "fees_nano_usd": "0",
    "cache_write_tokens": "0",
    "cache_write_1h_tokens": "0",
    "reasoning_tokens": "0",
    "gates": "'[]'",
    "attempts": "CASE WHEN attempts = 0 THEN '[]' WHEN http_status = 0 THEN '[{}]' "
    """ELSE '[{"http_status":0}]' END""",
}


def _same(table: str, columns: str, source: str = "") -> str:
    return f"INSERT INTO {table} ({columns}) SELECT {source or columns} FROM old.{table}"  # noqa: S608


def _of_period(per: str, period: str) -> tuple[str, ...]:
    key = f"source_id, {period}, project, model"
    new = "cache_write_tokens, cache_write_1h_tokens, reasoning_tokens, fees_nano_usd"
    sums = ", ".join(_SUMS)
    return (
        (
            f"INSERT INTO rollups_{per} ({key}, change, {sums}, {new}) "  # noqa: S608
            f"SELECT {key}, change, {sums}, 0, 0, 0, 0 FROM old.rollups_{per}"
        ),
        *(
            f"INSERT INTO refusals_{per} ({key}, cause, count) "  # noqa: S608
            f"SELECT {key}, '{cause}', refused_{cause} FROM old.rollups_{per} "
            f"WHERE refused_{cause} > 0"
            for cause in _CAUSES
        ),
    )


def _hours() -> tuple[str, ...]:
    """As far back as there are minutes."""
    hour = "minute_us - minute_us % 3600000000"
    sums = ", ".join(f"SUM({name})" for name in _SUMS)
    new = "cache_write_tokens, cache_write_1h_tokens, reasoning_tokens, fees_nano_usd"
    return (
        (
            "INSERT INTO rollups_hour (source_id, hour_us, project, model, change, "  # noqa: S608
            f"{', '.join(_SUMS)}, {new}) "
            f"SELECT source_id, {hour}, project, model, MAX(change), {sums}, 0, 0, 0, 0 "
            f"FROM old.rollups_minute GROUP BY source_id, {hour}, project, model"
        ),
        (
            "INSERT INTO refusals_hour (source_id, hour_us, project, model, cause, count) "  # noqa: S608
            f"SELECT source_id, {hour}, project, model, cause, SUM(count) FROM refusals_minute "
            f"GROUP BY source_id, {hour}, project, model, cause"
        ),
    )


_CALLS: Final = (
    f"INSERT INTO calls ({', '.join((*_SAME_IN_CALLS, *_NEW_IN_CALLS))}) "  # noqa: S608
    f"SELECT {', '.join((*_SAME_IN_CALLS, *_NEW_IN_CALLS.values()))} FROM old.calls "
    "WHERE seq >= :low AND seq < :high"
)
STEPS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("sources", (_same("sources", "id, source_id, epoch, change, folded_segment, folded_offset"),)),
    ("calls", (_CALLS,)),
    ("rollups_minute", _of_period("minute", "minute_us")),
    ("rollups_day", _of_period("day", "day")),
    ("rollups_hour", _hours()),
    ("buckets", (_same("buckets", "id, source_id, key"),)),
    (
        "levels",
        (
            (
                f"{_same('levels', 'seq, source_id, bucket, at_us, least, last')} "
                "WHERE seq >= :low AND seq < :high"
            ),
        ),
    ),
    (
        "events",
        (
            _same(
                "events",
                "seq, source_id, id, at_us, kind, subject, facts",
                "seq, source_id, id, at_us, 'told', subject, "
                "json_object('text', text, 'about', kind)",
            ),
        ),
    ),
    ("commands", (_same("commands", "source_id, seq, subject, hash, body"),)),
    # A cursor is never used twice, though the rows behind it are gone.
    (
        "sqlite_sequence",
        (
            "DELETE FROM sqlite_sequence",
            "INSERT INTO sqlite_sequence (name, seq) SELECT name, seq FROM old.sqlite_sequence",
        ),
    ),
)
"""Table by table, each a transaction; a statement with ``:low`` and ``:high`` goes by ``seq``."""

"""The tables of one ledger.

Integers only: money in nano-dollars, instants in UTC microseconds, durations in milliseconds.
Every row belongs to a source (``sources.id``): the gateway's own, or a system that is recorded.
``seq`` columns are cursors and are never used twice. There are no prompts and no replies. What
grows is rows and not columns: a roll-up's refusals are counted by cause in a table beside it.

Indexes of tables that are read by cursor do not begin with ``source_id``: SQLite would take such a
one for the first page of a large table, and sort all of it.
"""

from dataclasses import dataclass
from typing import Final

from quotadeck.domain.latency import COLUMNS as LATENCY
from quotadeck.domain.price import UNKNOWN_VERSION

LATENCY_COLUMNS: Final = tuple(f"latency_{index:02}" for index in range(LATENCY))
"""Counts of total_ms of the calls that the upstream answered (ok, upstream_error, client_error)."""
COUNT_COLUMNS: Final = ("forwarded", "upstream_errors", "client_errors", "unknown")
USED_COLUMNS: Final = (
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "cost_nano_usd",
    "fees_nano_usd",
)
SUM_COLUMNS: Final = (*COUNT_COLUMNS, *USED_COLUMNS, *LATENCY_COLUMNS)


@dataclass(frozen=True, slots=True)
class Per:
    """What a roll-up sums over: a table's end of name, and its column that tells the period."""

    name: str
    column: str
    type: str
    length_us: int = 0
    """0 for the project's own calendar day, which is a text."""


MINUTE: Final = Per("minute", "minute_us", "INTEGER", 60_000_000)
HOUR: Final = Per("hour", "hour_us", "INTEGER", 3_600_000_000)
DAY: Final = Per("day", "day", "TEXT")
PERIODS: Final = {per.name: per for per in (MINUTE, HOUR, DAY)}

UNPRICED: Final = f"price_version = '{UNKNOWN_VERSION}' AND input_tokens + output_tokens > 0"
"""Of a call: nobody knows its price, and so what it costs."""

FOR_EVER_US: Final = (1 << 63) - 1
"""When a state that still holds was left."""

_SUMS: Final = ",\n  ".join(f"{name} INTEGER NOT NULL" for name in SUM_COLUMNS)
_ROLLUPS: Final = "".join(
    f"""
CREATE TABLE rollups_{per.name} (
  source_id INTEGER NOT NULL,
  {per.column} {per.type} NOT NULL,
  project TEXT NOT NULL,
  model TEXT NOT NULL,
  change INTEGER NOT NULL,
  {_SUMS},
  PRIMARY KEY (source_id, {per.column}, project, model)
) STRICT;
CREATE INDEX rollups_{per.name}_changed ON rollups_{per.name} (source_id, change);

CREATE TABLE refusals_{per.name} (
  source_id INTEGER NOT NULL,
  {per.column} {per.type} NOT NULL,
  project TEXT NOT NULL,
  model TEXT NOT NULL,
  cause TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (source_id, {per.column}, project, model, cause)
) STRICT;
"""
    for per in PERIODS.values()
)

KEY: Final = (
    "CASE WHEN json_valid(CAST(body AS TEXT)) "
    "THEN json_extract(CAST(body AS TEXT), '$.idempotency_key') END"
)
"""Of an entry in the command log, found by an index. An entry that was damaged has none."""

TABLES: Final = f"""
CREATE TABLE sources (
  id INTEGER PRIMARY KEY,
  source_id TEXT NOT NULL UNIQUE,
  epoch INTEGER NOT NULL,
  change INTEGER NOT NULL,
  folded_segment INTEGER NOT NULL,
  folded_offset INTEGER NOT NULL
) STRICT;

CREATE TABLE calls (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id INTEGER NOT NULL,
  id TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  day TEXT NOT NULL,
  project TEXT NOT NULL,
  key_id TEXT NOT NULL,
  priority INTEGER NOT NULL,
  model TEXT NOT NULL,
  outcome TEXT NOT NULL,
  cause TEXT NOT NULL,
  http_status INTEGER NOT NULL,
  count INTEGER NOT NULL,
  response_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  client_request_id TEXT NOT NULL,
  served_model TEXT NOT NULL,
  target TEXT NOT NULL,
  fallback_step INTEGER NOT NULL,
  estimated_input INTEGER NOT NULL,
  estimated_output INTEGER NOT NULL,
  held_nano_usd INTEGER NOT NULL,
  bound_is_estimate INTEGER NOT NULL,
  cost_nano_usd INTEGER NOT NULL,
  fees_nano_usd INTEGER NOT NULL,
  price_version TEXT NOT NULL,
  binding TEXT NOT NULL,
  shadowed TEXT NOT NULL,
  wait_ms INTEGER,
  queue_ms INTEGER NOT NULL,
  first_byte_ms INTEGER NOT NULL,
  total_ms INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  retry INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  cache_write_1h_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  usage_is_estimate INTEGER NOT NULL,
  web_searches INTEGER NOT NULL DEFAULT 0,
  tier TEXT NOT NULL DEFAULT '',
  stated_nano INTEGER,
  attempts TEXT NOT NULL,
  gates TEXT NOT NULL,
  first_us INTEGER,
  last_us INTEGER,
  keys INTEGER,
  asked_sum INTEGER,
  asked_most INTEGER,
  UNIQUE (id, source_id)
) STRICT;
CREATE INDEX calls_of_project ON calls (project, source_id);
CREATE INDEX calls_counted ON calls (last_us, first_us, project) WHERE last_us IS NOT NULL;
{_ROLLUPS}
CREATE TABLE buckets (
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  UNIQUE (source_id, key)
) STRICT;

CREATE TABLE levels (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  least INTEGER NOT NULL,
  last INTEGER NOT NULL,
  limit_then INTEGER,
  UNIQUE (bucket, at_us, source_id)
) STRICT;

CREATE TABLE made (
  source_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  project TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  PRIMARY KEY (source_id, kind, id)
) STRICT;
CREATE INDEX made_at ON made (at_us);

CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id INTEGER NOT NULL,
  id TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  facts TEXT NOT NULL,
  UNIQUE (id, source_id)
) STRICT;

CREATE TABLE states (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id INTEGER NOT NULL,
  subject TEXT NOT NULL,
  kind TEXT NOT NULL,
  cause TEXT NOT NULL,
  entered_us INTEGER NOT NULL,
  left_us INTEGER NOT NULL,
  facts TEXT NOT NULL,
  left_facts TEXT NOT NULL,
  UNIQUE (subject, kind, cause, entered_us, source_id)
) STRICT;
CREATE INDEX states_left ON states (left_us, entered_us);

CREATE TABLE catalogues (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  hash TEXT NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (at_us, source_id)
) STRICT;

CREATE TABLE commands (
  source_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  subject TEXT NOT NULL,
  hash TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (source_id, seq)
) STRICT;
CREATE INDEX commands_of_subject ON commands (source_id, subject, seq);
CREATE INDEX commands_of_key ON commands (source_id, {KEY});
CREATE TRIGGER commands_are_never_changed BEFORE UPDATE ON commands
BEGIN SELECT RAISE(ABORT, 'the command log is only appended to'); END;
CREATE TRIGGER commands_are_never_removed BEFORE DELETE ON commands
BEGIN SELECT RAISE(ABORT, 'the command log is only appended to'); END;
"""

"""The ledger beside the bill: each call that was told its usage costs what the upstream bills."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.billed.asks import (
    DOUBTFUL_FAULTS,
    HIDING_FAULTS,
    PICTURE,
    SHAPES,
    UNBILLED_FAULTS,
    Asked,
)

Row = Mapping[str, Any]

COUNTS: Final = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "cached_tokens": "cached_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "cost_nano_usd": "cost_nano_usd",
}
"""By the ledger's name: the bill's."""
_ASKED: Final = ("context_management", "previous_response_id", "speed", "inference_geo")
KINDS: Final = (
    *SHAPES,
    *("openai/gpt-4.1", "openai/deepseek-v3.2", "anthropic/claude-opus-4.7"),
    *(*_ASKED, "picture", "advisor"),
)
"""What is to be among them."""


@dataclass
class Compared:
    """What came of it."""

    exact: int = 0
    estimated: int = 0
    unbilled: int = 0
    doubtful: int = 0
    ledger_nano: int = 0
    """Of the exact ones."""
    billed_nano: int = 0
    wrong: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    """Of the exact ones: their ways, their targets, and what was asked for beside words."""


def compared(asked: Mapping[str, Asked], ledger: Iterable[Row], bill: Iterable[Row]) -> Compared:
    """``asked`` by request id. What is wrong is told in a line each."""
    rows, lines = {row["id"]: row for row in ledger}, {line["request_id"]: line for line in bill}
    found = Compared()
    found.wrong += [f"billed, and not in the ledger: {each}" for each in lines.keys() - rows.keys()]
    for request_id, ask in asked.items():
        row, line = rows.get(request_id), lines.get(request_id)
        if row is None:
            found.wrong.append(f"not in the ledger: {ask.path} {ask.fault}")
            continue
        found.outcomes[f"{row['outcome']} {row['cause']}".strip()] += 1
        why = _wrong(ask, row, line, found)
        if why:
            found.wrong.append(f"{request_id} {ask.path} {ask.fault or 'no fault'}: {why}")
    return found


def _wrong(ask: Asked, row: Row, line: Row | None, found: Compared) -> str:
    if ask.fault in UNBILLED_FAULTS:
        found.unbilled += 1
        charged = row["cost_nano_usd"] or row["outcome"] == "ok" or line is not None
        return f"charged {row['cost_nano_usd']}, {row['outcome']}" if charged else ""
    if ask.fault in DOUBTFUL_FAULTS:
        found.doubtful += 1
        charged = row["usage_is_estimate"] or not row["cost_nano_usd"]
        return "" if charged and line is None else f"told as {row['outcome']} {row['cause']}"
    if line is None:
        return f"never billed, and in the ledger as {row['outcome']} {row['cause']}"
    if row["usage_is_estimate"]:
        found.estimated += 1
        hidden = ask.fault in HIDING_FAULTS or ask.leaves_after is not None
        if not hidden:
            return f"estimated: {row['outcome']} {row['cause']}"
        # More may have been billed than anybody was told, and never than what was charged.
        less = row["cost_nano_usd"] < line["cost_nano_usd"]
        return f"charged {row['cost_nano_usd']} < {line['cost_nano_usd']}" if less else ""
    differs = [
        f"{mine} {row[mine]} != {line[theirs]}"
        for mine, theirs in COUNTS.items()
        if row[mine] != line[theirs]
    ]
    found.exact += 1
    found.kinds.update((ask.way, row["target"], *(name for name in _ASKED if name in ask.body)))
    found.kinds["advisor"] += "advisor_" in repr(ask.body)
    found.kinds["picture"] += PICTURE in repr(ask.body)
    found.ledger_nano += row["cost_nano_usd"]
    found.billed_nano += line["cost_nano_usd"]
    return ", ".join(differs)

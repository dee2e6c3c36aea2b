"""The first format of the journal's records, which had no number: made into the second's.

What such a segment says is read for ever, so this stays as it is, whatever becomes of the records:
the next format has a file like it, which goes on from the second.
"""

from collections.abc import Sequence
from typing import Any, Final

_OPEN: Final = 21
_END: Final = 35


def upgraded(items: Sequence[Any]) -> list[Any]:
    """The items of a record as the second format has them. Raises TypeError or ValueError."""
    match items[0]:
        case "open":
            return _open(*items)
        case "end":
            return _end(*items)
        case "levels":
            kind, at_us, not_full, touched, *mark = items
            limited = {key: [least, last, None] for key, (least, last) in touched.items()}
            return [kind, at_us, not_full, limited, *(mark or [None])]
    return list(items)


def _open(*items: Any) -> list[Any]:
    if len(items) != _OPEN:
        raise ValueError(f"an open of {len(items)} items where {_OPEN} belong")
    run_id = client_request_id = ""
    return [*items[:-1], run_id, client_request_id, items[-1]]


def _end(*items: Any) -> list[Any]:
    if len(items) != _END:
        raise ValueError(f"an end of {len(items)} items where {_END} belong")
    kind, request_id, at_us, day, project, key_id, priority, model = items[:8]
    outcome, cause, status, count, response_id, served_model, target, attempts = items[8:16]
    step, estimated_input, estimated_output, held_nano, bound_is_estimate = items[16:21]
    input_tokens, cached_tokens, output_tokens, usage_is_estimate, cost_nano = items[21:26]
    price_version, binding, shadowed, queue_ms, first_byte_ms, total_ms = items[26:32]
    stream, retry, charged = items[32:]
    run_id = client_request_id = ""
    fees_nano, wait_ms, counted = 0, None, None
    return [
        *(kind, request_id, at_us, day, project, key_id, priority, model),
        *(outcome, cause, status, count, response_id, run_id, client_request_id),
        *(served_model, target, step, estimated_input, estimated_output, held_nano),
        *(bound_is_estimate, cost_nano, fees_nano, price_version, binding, shadowed, wait_ms),
        *(queue_ms, first_byte_ms, total_ms, stream, retry),
        [input_tokens, cached_tokens, output_tokens, 0, 0, 0, usage_is_estimate],
        [[target, cause, 0, total_ms, ""]] * attempts,
        [],
        counted,
        charged,
    ]

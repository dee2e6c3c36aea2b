"""A call under the list of calls: who, how it ended, why, and what would have let it pass."""

from quotadeck.domain.history import FoundCall
from quotadeck.domain.text import clean
from quotadeck.tui.kit.fit import cell_len, folded
from quotadeck.tui.kit.spans import Line, Span, crop
from quotadeck.words.account import Beside, Part, account


def call_lines(found: FoundCall | None, beside: Beside, width: int) -> list[Line]:
    """Its id in a rule, then the account of it; nothing where no call is chosen."""
    if found is None:
        return []
    return [id_rule(found.calls[0].id, width), *account_lines(account(found, beside), width)]


def id_rule(request_id: str, width: int) -> Line:
    """``── req_… ─────``"""
    told = f"── {clean(request_id)} "
    return crop([Span(told, "dim"), Span("─" * max(0, width - cell_len(told)), "dim")], width)


def account_lines(parts: list[Part], width: int) -> list[Line]:
    """Labels in a column, and what is told beside them, folded; a label once for its lines."""
    room = max((cell_len(part.label) for part in parts), default=0) + 2
    lines: list[Line] = []
    before = ""
    for label, words, role in parts:
        head = "" if label == before else label
        before = label
        for part in folded(words, max(10, width - room)):
            lines.append(
                crop([Span(head + " " * (room - cell_len(head)), "dim"), Span(part, role)], width)
            )
            head = ""
    return lines

"""What a message asks for beyond its own bytes.

Sources: the "Messages" pages of Anthropic's API reference, and its official SDK's types.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from quotadeck.dialects.base import Beyond
from quotadeck.dialects.beyond import at_most, beyond_of, joined

_OWN: Final = ("custom", "bash_", "text_editor_", "memory_", "computer_", "browser_")
"""How the types of those tools begin that the client itself runs; their versions follow."""
_SHORTENS: Final = "clear_"
"""Edits of the context that leave something out cost nothing; others ask a model."""
_MEMBERS: Final = ("fallbacks", "compaction", "thread", "container", "billing_policy")
_SHOWN_CHARS: Final = 200
_DEPTH: Final = 4


def beyond_message(fields: Mapping[str, Any], *, files: bool) -> Beyond:
    """Of a request's members; ``files``: whether its messages may hold any."""
    tools = fields.get("tools")
    listed = tools if isinstance(tools, list) else ()
    kinds = [tool.get("type") for tool in listed if isinstance(tool, dict)]
    own = frozenset(kind for kind in kinds if isinstance(kind, str) and kind.startswith(_OWN))
    if _only_shortens(fields.get("context_management")):
        fields = {name: value for name, value in fields.items() if name != "context_management"}
    found = beyond_of(fields, own_tools=own | {"custom"})
    held = at_most(_files(fields.get("messages"), "messages"), "messages") if files else []
    if not held and not any(map(fields.get, _MEMBERS)):
        return found
    unbounded, refers = list(found.unbounded), list(found.refers)
    chooses = list(found.chooses)
    for where, kind, identity in held:
        unbounded.append(f"{where} ({kind})")
        refers += [("file", identity)] if identity else []
    if fields.get("fallbacks"):
        unbounded.append("fallbacks")  # what they try is billed beside what is answered
    if fields.get("compaction"):
        unbounded.append("compaction")
    thread = fields.get("thread")
    if thread:
        unbounded.append("thread (stored_context)")
        before = thread.get("previous_message_id") if isinstance(thread, dict) else None
        refers += [("message", before[:_SHOWN_CHARS])] if isinstance(before, str) else []
    refers += at_most(_skills(fields.get("container")), "container")
    policy = fields.get("billing_policy")
    bill_to = policy.get("bill_to") if isinstance(policy, dict) else policy
    if bill_to and bill_to != "self":
        chooses.append(("billing_policy", str(bill_to)[:_SHOWN_CHARS]))
    return joined([Beyond(tuple(unbounded), tuple(chooses), tuple(refers))])


def _only_shortens(management: Any) -> bool:
    edits = management.get("edits") if isinstance(management, dict) else None
    return isinstance(edits, list) and all(
        isinstance(edit, dict) and str(edit.get("type")).startswith(_SHORTENS) for edit in edits
    )


def _skills(container: Any) -> Iterator[tuple[str, str]]:
    """Those that somebody made; the provider's own are for all."""
    skills = container.get("skills") if isinstance(container, dict) else None
    for skill in skills if isinstance(skills, list) else ():
        if isinstance(skill, dict) and skill.get("type") != "anthropic":
            yield "skill", str(skill.get("skill_id"))[:_SHOWN_CHARS]


def _files(parts: Any, at: str, depth: int = _DEPTH) -> Iterator[tuple[str, str, str]]:
    """Files that are not in the request: where they stand, "file" or "remote_file", their id.

    What a tool is given is not looked at: its names are the client's own. Of a linked picture it is
    known well enough what it costs.
    """
    for index, part in enumerate(parts if isinstance(parts, list) and depth else ()):
        if not isinstance(part, dict):
            continue
        where, source = f"{at}[{index}]", part.get("source")
        for place in (part, source):
            identity = place.get("file_id") if isinstance(place, dict) else None
            if isinstance(identity, str) and identity:
                yield where, "file", identity[:_SHOWN_CHARS]
        if isinstance(source, dict):
            if source.get("type") == "url" and part.get("type") == "document":
                yield where, "remote_file", ""
            yield from _files(source.get("content"), f"{where}.source.content", depth - 1)
        yield from _files(part.get("content"), f"{where}.content", depth - 1)

"""Conversations with tools, as the three forms of the providers' protocols write them."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

Talk = list[dict[str, Any]]
Messages = Sequence[Any]

_TEXT = st.text("ab c字", min_size=1, max_size=60)


def _chat(kinds: list[str], texts: Callable[[], str]) -> Talk:
    talk: Talk = []
    for index, kind in enumerate(kinds):
        if kind == "tools":
            ids = [f"call_{index}_{number}" for number in range(2)]
            calls = [{"id": one, "function": {"name": "f", "arguments": "{}"}} for one in ids]
            talk.append({"role": "assistant", "content": None, "tool_calls": calls})
            talk += [{"role": "tool", "tool_call_id": one, "content": texts()} for one in ids]
        elif kind == "old":
            talk.append({"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}})
            talk.append({"role": "function", "name": "f", "content": texts()})
        else:
            talk.append({"role": kind, "content": texts()})
    return talk


def _messages(kinds: list[str], texts: Callable[[], str]) -> Talk:
    talk: Talk = []
    for index, kind in enumerate(kinds):
        if kind in {"tools", "old"}:
            # Some providers count their ids anew in each answer.
            ids = [f"toolu_{number if kind == 'old' else index * 10 + number}" for number in (1, 2)]
            uses = [{"type": "tool_use", "id": one, "name": "f", "input": {}} for one in ids]
            results = [
                {"type": "tool_result", "tool_use_id": one, "content": texts()} for one in ids
            ]
            talk.append({"role": "assistant", "content": uses})
            talk.append({"role": "user", "content": results})
        elif kind == "assistant":
            server = {"type": "server_tool_use", "id": f"srv_{index}", "name": "web_search"}
            found = {"type": "web_search_tool_result", "tool_use_id": f"srv_{index}", "content": []}
            said = {"type": "text", "text": texts()}
            talk.append({"role": "assistant", "content": [server, found, said]})
        elif kind == "user":
            talk.append({"role": "user", "content": texts()})
    return talk


def _responses(kinds: list[str], texts: Callable[[], str]) -> Talk:
    talk: Talk = []
    for index, kind in enumerate(kinds):
        if kind in {"tools", "old"}:
            called = f"call_{index}"
            talk.append({"type": "reasoning", "id": f"rs_{index}", "summary": []})
            talk.append(
                {"type": "function_call", "call_id": called, "name": "f", "arguments": "{}"}
            )
            talk.append({"type": "function_call_output", "call_id": called, "output": texts()})
        else:
            talk.append({"type": "message", "role": kind, "content": texts()})
    return talk


def _talks(form: Callable[[list[str], Callable[[], str]], Talk]) -> st.SearchStrategy[Talk]:
    kinds = st.lists(
        st.sampled_from(["user", "assistant", "tools", "old", "developer"]), min_size=1, max_size=25
    )

    @st.composite
    def talk(draw: st.DrawFn) -> Talk:
        first: Talk = [] if form is _messages else [{"role": "system", "content": draw(_TEXT)}]
        return first + form(draw(kinds), lambda: draw(_TEXT))

    return talk()


FORMS = {"chat": _talks(_chat), "messages": _talks(_messages), "responses": _talks(_responses)}
"""By the form's name."""


def together(talk: Messages) -> None:
    """Asserts what the providers hold a conversation to: no result without its call before it, no
    call without its result, no reasoning without what it led to."""
    open_calls: list[str] = []
    for index, one in enumerate(talk):
        blocks = one.get("content") if isinstance(one.get("content"), list) else []
        if one.get("type") == "function_call_output":
            open_calls.remove(one["call_id"])
        elif one.get("role") == "tool":
            open_calls.remove(one["tool_call_id"])
        elif one.get("role") == "function":
            assert talk[index - 1].get("function_call")
        for block in blocks:
            if block.get("type") == "tool_use":
                open_calls.append(block["id"])
            if block.get("type") == "tool_result":
                open_calls.remove(block["tool_use_id"])
        open_calls += [call["id"] for call in one.get("tool_calls") or ()]
        if one.get("type") == "function_call":
            open_calls.append(one["call_id"])
        if one.get("type") == "reasoning":
            assert talk[index + 1]["type"] == "function_call"
        if one.get("function_call"):
            assert talk[index + 1]["role"] == "function"
    assert open_calls == []

"""A request of each form with all that is translated of it, for tests over all forms."""

from types import MappingProxyType
from typing import Any, Final

_CACHED: Final = {"cache_control": {"type": "ephemeral"}}
_PICTURE: Final = "data:image/png;base64,AAAA"
_PAPER: Final = "data:application/pdf;base64,AAAA"
_SCHEMA: Final = {"type": "object"}
_FUNCTION: Final = {"name": "f", "description": "d", "parameters": _SCHEMA, "strict": True}

_CHAT: Final = {
    "model": "opus",
    "max_tokens": 99,
    "n": 1,
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": 0.5,
    "top_p": 1,
    "top_k": 5,
    "stop": ["halt"],
    "tools": [{"type": "function", "function": _FUNCTION, **_CACHED}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": False,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "description": "d", "schema": _SCHEMA, "strict": True},
    },
    "reasoning_effort": "low",
    "thinking": {"type": "adaptive"},
    "user": "u",
    "service_tier": "default",
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "s", **_CACHED}]},
        {"role": "developer", "content": "x"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": _PICTURE, "detail": "auto"}},
                {"type": "file", "file": {"filename": "f", "file_data": _PAPER}},
            ],
        },
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "hm"}, {"type": "refusal", "refusal": "no"}],
            "refusal": "r",
            "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}],
            "reasoning_content": "t",
            "tool_calls": [
                {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "t", "content": [{"type": "text", "text": "r"}]},
    ],
}
_MESSAGES: Final = {
    "model": "opus",
    "max_tokens": 99,
    "stream": True,
    "temperature": 0.5,
    "top_p": 1,
    "stop_sequences": ["halt"],
    "thinking": {"type": "enabled", "budget_tokens": 1_024},
    "output_config": {"format": {"type": "json_schema", "schema": _SCHEMA}},
    "metadata": {"user_id": "u"},
    "service_tier": "auto",
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "tools": [
        {
            "type": "custom",
            "name": "f",
            "description": "d",
            "input_schema": _SCHEMA,
            "strict": True,
            **_CACHED,
        }
    ],
    "system": [{"type": "text", "text": "s", **_CACHED}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
                },
                {"type": "image", "source": {"type": "url", "url": "https://x"}},
                {
                    "type": "document",
                    "title": "t",
                    "citations": {"enabled": False},
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
                },
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "x"},
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "t", "signature": "s"},
                {"type": "text", "text": "x"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t",
                    "is_error": True,
                    "content": [{"type": "text", "text": "x"}],
                },
                {"type": "text", "text": "y"},
            ],
        },
        {"role": "system", "content": [{"type": "text", "text": "x"}]},
    ],
}
_RESPONSES: Final = {
    "model": "opus",
    "max_output_tokens": 99,
    "stream": True,
    "stream_options": {"include_obfuscation": False},
    "background": False,
    "temperature": 0.5,
    "top_p": 1,
    "metadata": {"a": "b"},
    "user": "u",
    "service_tier": "default",
    "parallel_tool_calls": True,
    "instructions": "i",
    "tools": [{"type": "function", **_FUNCTION}],
    "tool_choice": {"type": "function", "name": "f"},
    "text": {
        "format": {"type": "json_schema", "name": "n", "schema": _SCHEMA, "strict": True},
        "verbosity": "low",
    },
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
    "store": True,
    "prompt_cache_key": "k",
    "truncation": "auto",
    "input": [
        {"role": "user", "content": "x"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": _PICTURE, "detail": "auto"},
                {"type": "input_file", "filename": "f", "file_data": _PAPER},
            ],
        },
        {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "x"},
        {
            "type": "message",
            "role": "assistant",
            "id": "m",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "x", "annotations": []},
                {"type": "refusal", "refusal": "no"},
            ],
        },
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {
            "type": "function_call_output",
            "call_id": "c",
            "output": [{"type": "input_text", "text": "x"}],
        },
    ],
}


def _without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


WHOLE_REQUESTS: Final = MappingProxyType(
    {
        "chat": _CHAT,
        "messages": _MESSAGES,
        "responses": _RESPONSES,
        "count_tokens": _without(_MESSAGES, "stream", "max_tokens"),
        "input_tokens": _without(_RESPONSES, "stream", "stream_options"),
        "completions": {
            "model": "opus",
            "max_tokens": 9,
            "prompt": ["a", [1, 2]],
            "n": 1,
            "best_of": 1,
            "stream": True,
            "stream_options": {"include_usage": True},
        },
        "embeddings": {"model": "opus", "input": ["a", [1, 2]], "dimensions": 3},
    }
)
"""By the names of `tests.dialects.forms`."""

"""A text's tokens, and a request's, are estimated near what real tokenizers count."""

import base64
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.client.help.pictures import UNKNOWN, claude_picture, openai_picture, pixels
from quotadeck.client.help.request_tokens import messages_tokens, request_tokens
from quotadeck.client.help.tokens import CL100K, O200K, Weights, estimate
from tests.client.help.passages import PASSAGES

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 1024, 768)
GIF = b"GIF89a" + struct.pack("<HH", 640, 480)
WEBP = b"RIFF\0\0\0\0WEBPVP8X\n\0\0\0\0\0\0\0" + b"\x1f\x03\x00" + b"\x57\x02\x00"
LOSSY = b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + struct.pack("<HH", 320, 200)
LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L" + bytes(5) + struct.pack("<I", 319 | 199 << 14)
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10" + bytes(14) + b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", 600, 800)
)


def url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize("language", PASSAGES)
def test_a_passage_is_estimated_within_a_fifth(language: str) -> None:
    passage = PASSAGES[language]
    assert estimate(passage.text) == pytest.approx(passage.o200k, rel=0.2)
    assert estimate(passage.text, CL100K) == pytest.approx(passage.cl100k, rel=0.2)


def test_japanese_is_far_below_a_token_and_a_half_a_character() -> None:
    text = PASSAGES["Japanese"].text
    assert estimate(text) < 0.8 * len(text)


@given(st.text(), st.text(), st.sampled_from([O200K, CL100K]))
def test_an_estimate_is_a_number_for_any_text_and_adds_up(a: str, b: str, by: Weights) -> None:
    whole, parts = estimate(a + "\n" + b, by), estimate(a, by) + estimate(b, by)
    assert (estimate(a, by) == 0) == (a == "")
    assert whole >= 1
    # Where they meet, a word, a run of signs or of blanks may be one instead of two.
    assert abs(whole - parts) <= 6


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (PNG, (1024, 768)),
        (GIF, (640, 480)),
        (WEBP, (800, 600)),
        (LOSSY, (320, 200)),
        (LOSSLESS, (320, 200)),
        (JPEG, (800, 600)),
    ],
)
def test_a_picture_tells_its_size(data: bytes, size: tuple[int, int]) -> None:
    assert pixels(url(data)) == size
    assert pixels(base64.b64encode(data).decode()) == size


@given(st.binary(max_size=64), st.sampled_from([b"", PNG[:12], GIF[:8], WEBP[:16], JPEG[:8]]))
def test_what_is_no_picture_tells_none(data: bytes, head: bytes) -> None:
    size = pixels(base64.b64encode(head + data).decode())
    assert size is None or len(size) == 2
    assert pixels(data.decode("latin-1")) is None or data


@pytest.mark.parametrize(
    ("width", "height", "detail", "tokens"),
    [(1024, 1024, "high", 765), (2048, 4096, "high", 1105), (4096, 8192, "low", 85)],
)
def test_openai_counts_tiles_as_its_guide_says(
    width: int, height: int, detail: str, tokens: int
) -> None:
    assert openai_picture(width, height, detail) == tokens


@pytest.mark.parametrize(
    ("width", "height", "tokens"), [(200, 200, 53), (1000, 1000, 1333), (8000, 8000, 1600)]
)
def test_anthropic_counts_pixels_as_its_guide_says(width: int, height: int, tokens: int) -> None:
    assert claude_picture(width, height) == pytest.approx(tokens, abs=1)


SAID = "What is in this picture, please?"
CHAT_PARTS: list[dict[str, Any]] = [
    {"type": "text", "text": SAID},
    {"type": "image_url", "image_url": {"url": url(PNG)}},
]
FORMS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": CHAT_PARTS}]},
    {
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": SAID},
                    {"type": "input_image", "image_url": url(PNG)},
                ],
            }
        ]
    },
]


@pytest.mark.parametrize("body", FORMS)
def test_a_picture_counts_by_its_size_in_each_form(body: dict[str, Any]) -> None:
    assert request_tokens(body) == pytest.approx(openai_picture(1024, 768) + 11, abs=3)


def test_a_picture_of_anthropics_form_counts_as_anthropic_does() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": url(PNG).partition(",")[2]}
    body = {"messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]}
    assert request_tokens(body) == 4 + claude_picture(1024, 768)


def test_a_linked_picture_is_taken_for_a_large_one() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
    assert messages_tokens([{"role": "user", "content": [part]}]) == 4 + UNKNOWN


@pytest.mark.parametrize(
    "more",
    [
        {"system": "word " * 100},
        {"instructions": "word " * 100},
        {"tools": [{"type": "function", "function": {"description": "word " * 100}}]},
        {"messages": [{"role": "tool", "tool_call_id": "a", "content": "word " * 100}]},
        {"input": [{"type": "function_call_output", "call_id": "a", "output": "word " * 100}]},
        {"input": [{"type": "function_call", "name": "f", "arguments": "word " * 100}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "a",
                            "content": [{"type": "text", "text": "word " * 100}],
                        }
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "a", "input": {"q": "word " * 100}}],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "a", "function": {"arguments": "word " * 100}}],
                }
            ]
        },
    ],
)
def test_all_that_is_sent_is_counted(more: dict[str, Any]) -> None:
    assert request_tokens(more, lambda text: len(text.split())) >= 100


def test_a_tokenizer_takes_the_estimates_place() -> None:
    body = {"input": "one two three"}
    assert request_tokens(body, lambda text: len(text.split())) == 4 + 3

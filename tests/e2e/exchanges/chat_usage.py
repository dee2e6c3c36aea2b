"""Usage wherever providers put it and however they write it, with what is to be booked."""

from typing import Any, Final

from tests.e2e.exchanges.case import Case, Used, Whole, data, json, sse
from tests.e2e.exchanges.chat import (
    ANSWER,
    BEGIN,
    DONE,
    FINISH,
    HI,
    ROLE,
    USAGE,
    USED,
    ZERO,
    choice,
    chunk,
    reply,
    says,
    usage,
)  # fmt: skip

_IN, _OUT = "prompt_tokens_details", "completion_tokens_details"

_STATED: Final[dict[str, tuple[dict[str, Any], Used | None]]] = {
    "usual": (USAGE, Used()),
    "floats": (usage(1000.0, 100.0, total_tokens=1100.0), Used()),
    "float details": (usage(1000, 100, **{_IN: {"cached_tokens": 900.0}}), Used(cached=900)),
    "no total": (usage(1000, 100), Used()),
    "null total": (usage(1000, 100, total_tokens=None), Used()),
    "null details": ({**USAGE, _IN: None, _OUT: None}, Used()),
    "null in details": (
        {
            **USAGE,
            _IN: {"cached_tokens": None, "audio_tokens": None},
            _OUT: {"reasoning_tokens": None},
        },
        Used(),
    ),
    "null caches on top": (
        {**USAGE, "prompt_cache_hit_tokens": None, "cached_tokens": None},
        Used(),
    ),
    "empty details": ({**USAGE, _IN: {}, _OUT: {}}, Used()),
    "a cost beside": (
        {**USAGE, "cost": 0.0012, "cost_details": {"x": None}},
        Used(stated_nano=1_200_000),
    ),
    "a whole cost": ({**USAGE, "cost": 2}, Used(stated_nano=2_000_000_000)),
    "a cost of xAI": ({**USAGE, "cost_in_usd_ticks": 12_345}, Used(stated_nano=1_234)),
    "no cost told": ({**USAGE, "cost": None}, Used()),
    "searches": ({**USAGE, "server_tool_use": {"web_search_requests": 2}}, Used(searches=2)),
    "searches of Perplexity": ({**USAGE, "num_search_queries": 3}, Used(searches=3)),
    "sources": ({**USAGE, "num_sources_used": 4}, Used(searches=4)),
    "times beside": ({**USAGE, "queue_time": 0.01, "total_time": 0.5}, Used()),
    "cached": ({**USAGE, _IN: {"cached_tokens": 900}}, Used(cached=900)),
    "all cached": ({**USAGE, _IN: {"cached_tokens": 1_000}}, Used(cached=1_000)),
    "cached on top": ({**USAGE, "cached_tokens": 900}, Used(cached=900)),
    "cached in both": (
        {**USAGE, "cached_tokens": 900, _IN: {"cached_tokens": 900}},
        Used(cached=900),
    ),
    "cache hit": (
        {**USAGE, "prompt_cache_hit_tokens": 900, "prompt_cache_miss_tokens": 100},
        Used(cached=900),
    ),
    "cache hit, zero details": (
        {**USAGE, "prompt_cache_hit_tokens": 900, _IN: {"cached_tokens": 0}},
        Used(cached=900),
    ),
    "cache miss": (
        {**USAGE, "prompt_cache_hit_tokens": 0, "prompt_cache_miss_tokens": 1_000},
        Used(),
    ),
    "written": ({**USAGE, _IN: {"cached_tokens": 0, "cache_write_tokens": 900}}, Used(written=900)),
    "written on top": ({**USAGE, "cache_write_tokens": 900}, Used(written=900)),
    "written, as created": ({**USAGE, "cache_creation_input_tokens": 900}, Used(written=900)),
    "read and written": (
        {**USAGE, _IN: {"cached_tokens": 500, "cache_write_tokens": 400}},
        Used(cached=500, written=400),
    ),
    "reasoning within": ({**USAGE, _OUT: {"reasoning_tokens": 60}}, Used()),
    "reasoning is all": ({**USAGE, _OUT: {"reasoning_tokens": 100}}, Used()),
    "reasoning beside, by the total": (
        usage(1000, 100, total_tokens=1_500, **{_OUT: {"reasoning_tokens": 400}}),
        Used(output=500),
    ),
    "reasoning beside, cached": (
        usage(
            1000,
            100,
            total_tokens=1_500,
            **{_IN: {"cached_tokens": 128}, _OUT: {"reasoning_tokens": 400}},
        ),
        Used(output=500, cached=128),
    ),
    "beside, without a word": (usage(1000, 100, total_tokens=1_500), Used(output=500)),
    "nothing but reasoning": (
        usage(1000, 0, total_tokens=1_400, **{_OUT: {"reasoning_tokens": 400}}),
        Used(output=400),
    ),
    "a total too small": (usage(1000, 100, total_tokens=1_000), Used()),
    "a total of zero": (usage(1000, 100, total_tokens=0), Used()),
    "names of responses": (
        {"input_tokens": 1_000, "output_tokens": 100, "total_tokens": 1_100},
        Used(),
    ),
    "both names": ({**USAGE, "input_tokens": 1_000, "output_tokens": 100}, Used()),
    "both names, one zero": ({**USAGE, "input_tokens": 0, "output_tokens": 0}, Used()),
    "no input": (usage(0, 100, total_tokens=100), Used(0, 100)),
    "all zero": (ZERO, None),
    "no output": (usage(1000, 0, total_tokens=1_000), None),
    "nulls": (dict.fromkeys(USAGE), None),
    "negative": (usage(-1000, -100, total_tokens=-1_100), None),
    "huge": (usage(2**62, 2**62), None),
    "text": (usage("1000", "100"), None),  # type: ignore[arg-type]
    "fractions": (usage(1000.5, 100.5), None),
    "flags": (usage(True, True), None),
    "empty": ({"x": 1}, None),
}
"""A usage object, and what it is believed to say; None: nothing, beside an answer."""

_EACH: Final = tuple(
    data(says("hi" if not at else "", usage=usage(1000, at + 1, total_tokens=1_001 + at)))
    for at in range(100)
)
_NULL: Final = data(says("hi", usage=None))
_PLACED: Final = {
    "in the choice": sse(BEGIN, data(chunk([choice({}, "stop", usage=USAGE)])), DONE),
    "in the delta": sse(BEGIN, data(chunk([choice({"usage": USAGE}, "stop")])), DONE),
    "in x_groq": sse(BEGIN, data(chunk([choice({}, "stop")], x_groq={"usage": USAGE})), DONE),
    "in x_groq, then": sse(ANSWER, data(chunk([], x_groq={"id": "r", "usage": USAGE})), DONE),
    "beside the finish": sse(BEGIN, data(chunk([choice({}, "stop")], usage=USAGE)), DONE),
    "without choices": sse(ANSWER, data(chunk(usage=USAGE)), DONE),
    "choices null": sse(ANSWER, data({**chunk(usage=USAGE), "choices": None}), DONE),
    "beside an empty delta": sse(ANSWER, data(chunk([choice({})], usage=USAGE)), DONE),
    "beside the role": sse(
        data(chunk([choice({"role": "assistant"})], usage=USAGE)), HI, FINISH, DONE
    ),
    "before the finish": sse(BEGIN, USED, FINISH, DONE),
    "first of all": sse(USED, ANSWER, DONE),
    "counted up": sse(*_EACH, FINISH, DONE),
    "counted up, then a sum": sse(*_EACH[:50], FINISH, USED, DONE),
    "zeros before": sse(
        data(chunk([choice({"role": "assistant"})], usage=ZERO)), HI, FINISH, USED, DONE
    ),
    "zeros after": sse(ANSWER, USED, data(chunk([], usage=ZERO)), DONE),
    "zeros beside the finish": sse(
        BEGIN, data(chunk([choice({}, "stop")], usage=ZERO)), USED, DONE
    ),
    "nulls until": sse(ROLE, _NULL, FINISH, USED, DONE),
    "nulls after": sse(ANSWER, USED, data(chunk([], usage=None)), DONE),
    "empty after": sse(ANSWER, USED, data(chunk([], usage={})), DONE),
    "twice": sse(ANSWER, USED, USED, DONE),
    "in two places": sse(BEGIN, data(chunk([choice({}, "stop", usage=USAGE)], usage=USAGE)), DONE),
    "input first": sse(
        data(chunk([choice({"role": "assistant"})], usage=usage(1000, 0))),
        HI,
        FINISH,
        data(chunk([], usage=usage(0, 100))),
        DONE,
    ),
    "named": sse(BEGIN, FINISH, data(chunk([], usage=USAGE), "event: usage\n"), DONE),
}

STATED: Final[tuple[Case, ...]] = (
    *(
        Case(f"usage, {name}", json(reply(stated)), Whole(used=used), stream=False)
        for name, (stated, used) in _STATED.items()
    ),
    *(
        Case(f"stream, {name}", sse(ANSWER, data(chunk([], usage=stated)), DONE), Whole(used=used))
        for name, (stated, used) in _STATED.items()
    ),
)
PLACED: Final[tuple[Case, ...]] = (
    *(Case(f"usage {name}", plays, Whole()) for name, plays in _PLACED.items()),
    Case(
        "details in an earlier chunk",
        sse(
            data(says("hi", usage=usage(1000, 1, **{_IN: {"cached_tokens": 900}}))),
            FINISH,
            USED,
            DONE,
        ),
        Whole(used=Used(cached=900)),
    ),
    *(
        Case(f"tier {told}", plays, Whole(used=Used(tier=tier)), stream)
        for told, tier in (
            ("priority", "priority"),
            ("flex", "flex"),
            ("default", ""),
            ("auto", ""),
            ("standard", ""),
            ("on_demand", ""),
        )
        for plays, stream in ((json(reply(service_tier=told)), False),)
    ),
    Case(
        "tier in a stream",
        sse(ROLE, HI, FINISH, data(chunk([], usage=USAGE, service_tier="flex")), DONE),
        Whole(used=Used(tier="flex")),
    ),
    Case(
        "tier in earlier chunks alone",
        sse(ROLE, data(says("hi", service_tier="priority")), FINISH, USED, DONE),
        Whole(used=Used(tier="priority")),
    ),
    Case("no tier", json(reply(service_tier=None)), Whole(), stream=False),
    Case("null usage, whole", json({**reply(), "usage": None}), Whole(used=None), stream=False),
    Case("no usage, whole", json(reply({})), Whole(used=None), stream=False),
    Case("no usage", sse(ANSWER, DONE), Whole(used=None)),
    Case(
        "usage in the whole's choice",
        json({**reply({}), "choices": [{**reply()["choices"][0], "usage": USAGE}]}),
        Whole(),
        stream=False,
    ),
    Case("usage in x_groq, whole", json(reply({}, x_groq={"usage": USAGE})), Whole(), stream=False),
)

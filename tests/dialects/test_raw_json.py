"""A request's own bytes reach the upstream, but for what has to be another."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.dialects.raw_json import MAX_LOOKED_THROUGH, RawRequest, raw_request

TEXT = st.text(st.sampled_from('model"\\{}[]:,é\U0001f389 '), max_size=9)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXT | st.just("model") | st.just("usage"), inner, max_size=3)
    ),
    max_leaves=8,
)


def asked(body: bytes, **sent: object) -> RawRequest:
    return raw_request(body, orjson.loads(body), sent)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"opus","seed":1.10}',
        b'{ "seed" : 18446744073709551616123 , "model"\n:\t"opus" }',
        b'{"temperature":0.70,"x":1E2,"model":"opus","a":{"b":[1,{"c":"d"}]}}',
        b'{"tools":[{"model":"inner"}],"model":"opus"}',
        b'{"model":"opus","tools":[{"model": "opus"}], "n": 1.0}',
        b'{"stop":"model","model":"opus", "s":"\\"model\\": \\"opus\\""}',
        b'{"mod\\u0065l":"opus", "x":{"model":"opus"}}',
        b'{"mod\\u0065l":"opus", "x":1}',
        b'{"model":"op\\u0075s","user":"\\u00e9"}',
        '{"model":"opus","messages":["é 日本 🎉"]}'.encode(),
    ],
)
def test_all_but_the_model_stays_as_it_came(body: bytes) -> None:
    sent = asked(body).to("opus-4.7")
    assert orjson.loads(sent) == {**orjson.loads(body), "model": "opus-4.7"}
    at = next(at for at, pair in enumerate(zip(body, sent, strict=False)) if len(set(pair)) > 1)
    after = len(sent) - next(back for back in range(1, len(sent)) if body[-back] != sent[-back])
    assert sent[:at] == body[:at]
    assert len(sent[at:after]) <= len('opus-4.7"')


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"cheap","model":"opus"}',
        b'{"model":"opus","max_tokens":1,"max_tokens":9}',
        b'{"model":"opus","max_tokens":1,"max_tok\\u0065ns":9}',
        b'{"model":"opus","x":[{"a":1,"a":2}]}',
        # As long as what is written anew.
        b'{"model":"opus","n":1,"n":9,"x":1e2,"y":1e1}',
    ],
)
def test_name_that_comes_twice_reaches_nobody_who_takes_the_other(body: bytes) -> None:
    with pytest.raises(ValueError, match="twice"):
        json.loads(body, object_pairs_hook=_once)
    sent = asked(body).to("m")
    assert json.loads(sent, object_pairs_hook=_once) == {**json.loads(body), "model": "m"}


def test_large_body_is_written_anew_unless_it_is_in_the_shortest_form() -> None:
    filler = "x" * MAX_LOOKED_THROUGH
    short = orjson.dumps({"model": "opus", "x": filler, "f": 1.5})
    assert asked(short).to("opus") == short
    spaced = json.dumps({"x": filler, "model": "opus", "f": 1.5}).encode()
    assert orjson.loads(asked(spaced).to("m")) == {"model": "m", "x": filler, "f": 1.5}
    nested = orjson.dumps({"x": filler, "a": {"model": "opus"}, "model": "opus"})
    assert orjson.loads(asked(nested).to("m")) == {**orjson.loads(nested), "model": "m"}


def test_members_are_changed_and_added_in_place() -> None:
    body = b'{"n": 1.0 ,"model":"opus","x":0.10}'
    sent = asked(body, n=1, stream=True).to("m", {"options": {"a": 1}})
    assert sent == b'{"options":{"a":1},"stream":true,"n": 1 ,"model":"m","x":0.10}'


@given(st.dictionaries(TEXT, JSON, max_size=4), TEXT, JSON, st.sampled_from([None, 1]))
def test_edited_bytes_read_as_the_edited_object(
    fields: dict[str, Any], model: str, usage: object, indent: int | None
) -> None:
    whole = {**fields, "model": model}
    try:
        body = json.dumps(whole, indent=indent, ensure_ascii=indent is None).encode()
        orjson.loads(body)
    except (TypeError, ValueError):
        return
    sent = json.loads(raw_request(body, json.loads(body), {"usage": usage}).to("m"))
    assert json.dumps(sent, sort_keys=True) == json.dumps(
        {**json.loads(body), "model": "m", "usage": usage}, sort_keys=True
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name comes twice")
    return dict(pairs)

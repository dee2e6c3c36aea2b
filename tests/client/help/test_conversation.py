"""A conversation keeps its system prompt and its newest messages; the middle becomes a summary."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quotadeck.client.help.conversation import HEADING, KEPT, part, shorten, shorten_async
from quotadeck.client.help.pairs import cuts, is_system
from quotadeck.client.help.request_tokens import messages_tokens
from tests.client.help.sdks import Sdks
from tests.client.help.talks import FORMS, Talk, together
from tests.sim.driver import MODEL


def words(text: str) -> int:
    return len(text.split())


def talk_of(count: int) -> Talk:
    said = [
        {"role": ("user", "assistant")[at % 2], "content": f"number {at}"} for at in range(count)
    ]
    return [{"role": "system", "content": "Be brief."}, *said]


def test_the_system_prompt_and_the_newest_ten_stay() -> None:
    talk = talk_of(31)
    given_to: list[Any] = []

    def summarize(between: list[Any]) -> str:
        given_to.extend(between)
        return "They counted to 20."

    short = shorten(talk, summarize, most_tokens=0)
    assert short[0] == talk[0]
    assert short[1] == {"role": "user", "content": f"{HEADING}\nThey counted to 20."}
    assert short[2:] == talk[-10:]
    assert given_to == talk[1:-10]


async def test_a_summary_may_be_awaited() -> None:
    async def summarize(between: list[Any]) -> str:
        return f"{len(between)} said"

    short = await shorten_async(talk_of(31), summarize, most_tokens=0)
    assert short[1]["content"] == f"{HEADING}\n21 said"


def test_what_fits_is_left_as_it_is_and_nobody_is_asked() -> None:
    talk = talk_of(200)
    assert shorten(talk, lambda _: pytest.fail("it was asked")) == talk


def test_a_summary_of_before_goes_into_the_next_one() -> None:
    short = shorten(talk_of(31), lambda _: "first", most_tokens=0)
    longer = [*short, *talk_of(31)[1:]]
    between = part(longer, most_tokens=0).between
    assert between[0]["content"] == f"{HEADING}\nfirst"
    again = shorten(longer, lambda _: "second", most_tokens=0)
    assert sum(HEADING in one["content"] for one in again) == 1


def test_fewer_stay_where_ten_are_too_long_but_one_always() -> None:
    talk = [*talk_of(30), *({"role": "user", "content": "word " * 1_000} for _ in range(4))]
    short = shorten(talk, lambda _: "", most_tokens=2_500, count=words)
    assert len(short) == 2 + 2
    short = shorten(talk, lambda _: "", most_tokens=100, count=words)
    assert short[2:] == talk[-1:]


@settings(max_examples=60)
@given(st.data(), st.sampled_from(sorted(FORMS)), st.integers(1, 12))
def test_no_tools_call_is_parted_from_its_result(data: st.DataObject, form: str, keep: int) -> None:
    talk: Talk = data.draw(FORMS[form])
    most = data.draw(st.sampled_from([0, 20, 200]))
    parted = part(talk, keep, most, words)
    together(parted.newest)
    together(parted.between)
    together(parted.joined("summary"))
    assert parted.newest or not talk
    # All of it is somewhere, in its order.
    rest = talk[: len(talk) - len(parted.newest)]
    assert [one for one in rest if is_system(one)] == parted.head
    assert [one for one in rest if not is_system(one)] == parted.between
    if most == 0:
        assert len(parted.newest) >= min(keep, len(talk))
    elif messages_tokens(talk, words) > most and parted.between:
        left = messages_tokens([*parted.head, *parted.newest], words)
        assert left <= most or parted.newest == talk[cuts(talk)[-2] :]


@settings(max_examples=60)
@given(st.data(), st.sampled_from(sorted(FORMS)))
def test_every_place_for_a_cut_is_one(data: st.DataObject, form: str) -> None:
    talk: Talk = data.draw(FORMS[form])
    places = cuts(talk)
    assert places[0] == 0
    assert places[-1] == len(talk)
    for at in range(len(talk) + 1):
        try:
            together(talk[at:])
            together(talk[:at])
        except (AssertionError, ValueError, IndexError, KeyError):
            assert at not in places
        else:
            assert at in places


def test_a_result_whose_call_is_gone_begins_nothing() -> None:
    talk: Talk = [{"role": "user", "content": "a"}, {"role": "tool", "tool_call_id": "x"}]
    assert cuts(talk) == [0, 2]


def test_the_official_sdks_take_what_comes_out(sdks: Sdks) -> None:
    talk: Any = shorten(talk_of(31), lambda _: "They counted.", most_tokens=0)
    reply = sdks.chat.chat.completions.create(model=MODEL, messages=talk, max_tokens=3)
    assert reply.choices
    assert sdks.chat.responses.create(model=MODEL, input=talk, max_output_tokens=20).output
    said: Any = shorten(talk_of(31)[1:], lambda _: "They counted.", most_tokens=0)
    assert sdks.claude.messages.create(model=MODEL, messages=said, max_tokens=3).content
    assert len(said) == KEPT + 1

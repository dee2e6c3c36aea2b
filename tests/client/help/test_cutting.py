"""What is cut keeps to the limit, says that it was cut, and parts nothing that belongs together."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quotadeck.client.help.conversation import part
from quotadeck.client.help.cutting import MARK, Cut, Keep, NoRoom, cut, cut_messages
from quotadeck.client.help.graphemes import safe_cut
from quotadeck.client.help.request_tokens import messages_tokens
from quotadeck.client.help.tokens import estimate
from tests.client.help.passages import PASSAGES
from tests.client.help.talks import FORMS, Talk, together

LETTERS = [
    "e\u0301",
    "👩🏽\u200d💻",
    "🇯🇵",
    "\ud83d\ude00",
    "각",
    "न\u093f",
    "\r\n",
    "☺\ufe0f",
    "a",
    "字",
    " ",
]
"""What a reader takes for one character each; the fourth is a pair of surrogates."""
KEEPS: list[Keep] = ["start", "end", "both"]


def words(text: str) -> int:
    """A tokenizer for which every four characters are a token."""
    return -(-len(text) // 4)


@given(st.text(max_size=400), st.integers(2, 120), st.sampled_from(KEEPS))
def test_a_cut_text_keeps_to_the_limit_and_is_marked(text: str, most: int, keep: Keep) -> None:
    for count in (words, estimate):
        try:
            found = cut(text, most, keep=keep, count=count)
        except NoRoom:
            assert count(MARK) > most
            continue
        assert count(found.text) == found.tokens <= most or not found.was_cut
        assert found.was_cut == (count(text) > most)
        if found.was_cut:
            start, mark, end = found.text.partition(MARK)
            assert mark
            assert text.startswith(start)
            assert text.endswith(end)
            assert (keep == "end" or end == "") or keep == "both"
        else:
            assert found == Cut(text, found.before, found.before)


@given(st.lists(st.sampled_from(LETTERS), max_size=60).map("".join), st.integers(3, 40))
def test_no_character_is_parted_from_what_belongs_to_it(text: str, most: int) -> None:
    for keep in KEEPS:
        start, _, end = cut(text, most, keep=keep, count=words).text.partition(MARK)
        for piece in (start, end):
            rest = piece
            for letter in sorted(LETTERS, key=len, reverse=True):
                rest = rest.replace(letter, "")
            assert rest == ""


@pytest.mark.parametrize("letter", LETTERS)
def test_a_place_in_a_character_is_moved_before_it(letter: str) -> None:
    text = f"x{letter}y"
    for at in range(1, 1 + len(letter)):
        assert safe_cut(text, at) == 1
    assert safe_cut(text, 1 + len(letter)) == 1 + len(letter)


def test_endless_marks_do_not_hold_a_cut_up() -> None:
    text = "e" + "\u0301" * 100_000
    assert len(cut(text, 1_000, count=words).text) > 3_900


@pytest.mark.parametrize("language", PASSAGES)
def test_of_a_long_text_nearly_all_that_fits_stays(language: str) -> None:
    text = PASSAGES[language].text * 100
    found = cut(text, 2_000)
    assert 1_980 <= found.tokens <= 2_000


def test_a_long_text_is_counted_few_times() -> None:
    counted = []

    def counting(text: str) -> int:
        counted.append(len(text))
        return words(text)

    cut("word " * 100_000, 1_000, count=counting)
    assert len(counted) < 8


def test_without_room_for_the_mark_nothing_is_cut() -> None:
    with pytest.raises(NoRoom):
        cut("word " * 100, 1, count=words)


@settings(max_examples=60)
@given(st.data(), st.sampled_from(sorted(FORMS)))
def test_a_cut_conversation_keeps_its_pairs_and_its_system_prompts(
    data: st.DataObject, form: str
) -> None:
    talk: Talk = data.draw(FORMS[form])
    whole = messages_tokens(talk, words)
    most = data.draw(st.integers(1, whole + 10))
    try:
        cut_talk = cut_messages(talk, most, count=words)
    except NoRoom:
        return
    assert messages_tokens(cut_talk, words) <= most
    together(cut_talk)
    systems = [one for one in talk if one.get("role") in {"system", "developer"}]
    assert [one for one in cut_talk if one in systems] == systems
    if whole <= most:
        assert cut_talk == talk


def test_the_newest_message_is_cut_where_it_does_not_fit_whole() -> None:
    talk: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "user", "content": [{"type": "text", "text": "word " * 1_000}]},
    ]
    system, mark, last = cut_messages(talk, 100, count=words)
    assert (system, mark) == (talk[0], {"role": "user", "content": "[…]"})
    (part,) = last["content"]
    assert part["text"].startswith("word word")
    assert part["text"].endswith(MARK)
    assert talk[2]["content"][0]["text"] == "word " * 1_000


class Looked(dict[str, Any]):
    """A message that counts how often anybody looks into one."""

    times = 0

    def get(self, *asked: Any) -> Any:
        Looked.times += 1
        return super().get(*asked)


def looks(work: Callable[[list[Any]], Any], messages: int) -> int:
    talk = [Looked(role="user", content="Hello there, all of you") for _ in range(messages)]
    Looked.times = 0
    work(talk)
    return Looked.times


@pytest.mark.parametrize(
    "work",
    [
        lambda talk: cut_messages(talk, 100, count=words),
        lambda talk: part(talk, len(talk), 100, words),
    ],
)
def test_a_conversation_twice_as_long_is_twice_the_work(work: Callable[[list[Any]], Any]) -> None:
    assert looks(work, 400) < 2.2 * looks(work, 200)

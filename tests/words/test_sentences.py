"""Sentences are whole, hold every fact that belongs to them, and fit into another language."""

import re
from importlib import import_module
from pkgutil import iter_modules

import pytest
from rich.cells import cell_len

from quotadeck.domain.notice import notice
from quotadeck.words import en, say, text, use
from quotadeck.words.en import ENGLISH
from quotadeck.words.sentence import Language, Sentence, places, plural
from tests.words.pseudo import PSEUDO

COUNTED = plural("count", "{count} call is open", "{count:number} calls are open")
SENTENCES: dict[str, Sentence] = {
    "t.spent": "{project}: {percent} of {budget_nano} is spent, until {until_us}",
    "t.counted": COUNTED,
    "t.named": "{field:name} of {who}",
    "name.budget": "daily budget",
}


@pytest.fixture(autouse=True)
def _language() -> object:
    """A language of this test's own sentences."""
    before = use(Language("test", SENTENCES, ENGLISH.form))
    yield
    use(before)


def test_facts_are_written_by_their_units() -> None:
    told = notice(
        "t.spent", project="shop", percent=90, budget_nano=12_500_000_000, until_us=1_000_000
    )
    assert say(told) == "shop: 90% of $12.50 is spent, until 1970-01-01T00:00:01Z"
    assert say(told, instant=lambda _: "noon").endswith("until noon")


@pytest.mark.parametrize(
    ("count", "said"), [(1, "1 call is open"), (2_000, "2,000 calls are open")]
)
def test_plural_follows_its_count(count: int, said: str) -> None:
    assert text("t.counted", count=count) == said


def test_our_own_words_are_looked_up_and_others_left() -> None:
    assert text("t.named", field="budget", who="shop") == "daily budget of shop"
    assert text("t.named", field="qps", who="shop") == "qps of shop"


def test_text_from_outside_is_never_a_template() -> None:
    assert text("t.named", field="{who}", who="{field.__class__}") == "{who} of {field.__class__}"


def test_what_only_a_newer_sender_knows_is_told_by_its_facts() -> None:
    assert say(notice("t.new", count=3, who="shop")) == "t.new (count 3, who shop)"


def test_missing_fact_is_a_dash_and_no_crash() -> None:
    assert text("t.named", who="shop") == "– of shop"


def _forms(sentence: Sentence) -> list[str]:
    return [sentence] if isinstance(sentence, str) else list(sentence.forms.values())


@pytest.mark.parametrize("kind", sorted(ENGLISH.sentences))
def test_pseudo_language_keeps_the_places_and_is_longer(kind: str) -> None:
    english, pseudo = ENGLISH.sentences[kind], PSEUDO.sentences[kind]
    assert places(english) == places(pseudo)
    for plain, long in zip(_forms(english), _forms(pseudo), strict=True):
        literal, longer = (re.sub(r"{.*?}|[\[\]]", "", text) for text in (plain, long))
        if len(literal) > 20:
            assert cell_len(longer) >= cell_len(literal) * 1.1


def test_a_kind_stands_in_one_file_only() -> None:
    parts = [import_module(f"quotadeck.words.en.{part.name}") for part in iter_modules(en.__path__)]
    assert sum(len(part.SENTENCES) for part in parts) == len(ENGLISH.sentences)

"""The documents say what the code does."""

import re

import pytest

from quotadeck.wire.config.models import NAMED_TABLES, TABLES
from tests import docs


@pytest.mark.parametrize("path", docs.documents(), ids=lambda path: path.name)
def test_the_generated_parts_of_the_documents_are_in_step(path: object) -> None:
    assert hasattr(path, "read_text")
    text = path.read_text("utf-8")
    assert docs.refreshed(text) == text, "run make docs"


def test_every_generator_stands_in_some_document() -> None:
    used = {name for path in docs.documents() for name in docs.parts_of(path.read_text("utf-8"))}
    assert used == set(docs.GENERATORS)


def test_the_reference_explains_every_key_of_the_config() -> None:
    text = docs.GENERATORS["config"]()
    for model in (*TABLES.values(), *NAMED_TABLES.values()):
        for name in model.model_fields:
            assert re.search(rf"\| `{name}` \| [^|]+ \| [^|]+ \| [A-Z][^|]+ \|", text), name


def test_only_what_stands_between_the_marks_is_written() -> None:
    text = "above\n<!-- generated: one -->\nold\n<!-- /generated -->\nbelow\n"
    new = docs.refreshed(text, {"one": lambda: "new\n"})
    assert new == "above\n<!-- generated: one -->\n\nnew\n\n<!-- /generated -->\nbelow\n"
    assert docs.refreshed(new, {"one": lambda: "new"}) == new


@pytest.mark.parametrize(
    "text",
    [
        "<!-- generated: nobody -->\n<!-- /generated -->\n",
        "<!-- generated: one -->\n",
        "<!-- /generated -->\n",
        "<!-- generated: one -->\n<!-- generated: one -->\n<!-- /generated -->\n",
    ],
)
def test_marks_that_do_not_fit_are_told(text: str) -> None:
    with pytest.raises(docs.MarksWrong):
        docs.refreshed(text, {"one": str})

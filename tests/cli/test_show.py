"""What is printed obeys nobody but us."""

import json

from hypothesis import given
from hypothesis import strategies as st

from quotadeck.cli.show import json_text


@given(st.text())
def test_json_has_no_byte_that_a_terminal_obeys_and_reads_back(text: str) -> None:
    told = json_text({"text": text}, indent=None)
    assert told.isascii()
    assert told.isprintable()
    assert json.loads(told) == {"text": text}

"""A cast is what the terminal got, at its times, without long pauses."""

import itertools
import json
import sys

from tests.cast import Cast, play

ECHO = """
import sys
print("ready", flush=True)
for line in sys.stdin:
    print(line.strip().upper(), flush=True)
"""


def test_a_cast_has_what_was_sent_after_its_beginning_and_what_stood_there_at_it() -> None:
    with Cast([sys.executable, "-c", ECHO], columns=40, rows=5) as cast:
        cast.shows("ready")
        from_s = cast.events[-1][0]
        play(cast, "~0.3,one,enter,=ONE,two,enter,=TWO")
        lines = [json.loads(line) for line in cast.written(from_s, idle_s=0.1).splitlines()]
    head, *events = lines
    assert head == {"version": 2, "width": 40, "height": 5}
    assert "".join(text for _, _, text in events).replace("\r", "").startswith("ready")
    times = [at_s for at_s, _, _ in events]
    assert times == sorted(times)
    assert times[0] == 0
    assert all(later - earlier <= 0.101 for earlier, later in itertools.pairwise(times))
    assert any("TWO" in text for _, _, text in events)

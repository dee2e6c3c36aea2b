"""What holds, as a sentence: every count says of what, every limit what is used of it."""

from dataclasses import replace

import pytest

from quotadeck.domain.state import Held, StateKind
from quotadeck.domain.subject import Subject
from quotadeck.words.states import briefs_of, words_of

SENTENCES = [
    (Held(StateKind.STORM, cause="rpm", who="project:a", count=45, asked=50),
     "storm ×10 10s: by its rpm, 45 of 50 refused"),
    (Held(StateKind.STORM, cause="target_rpm", who="target:m/opus", count=300, asked=330,
          over_ms=60_000),
     "storm ×11 10s: by m/opus rpm, 300 of 330 refused in 60s"),
    (Held(StateKind.FAILING, cause="timeout", count=9, asked=10),
     "fails 90% 10s: its upstream does not answer in time, 9 of 10 failed"),
    (Held(StateKind.FAILING, cause="timeout", asked=12, last_ms=0),
     "recovering 10s: 12 went well since the last failure 20s ago"),
    (Held(StateKind.SPENT, cause="not_covered", count=9, asked=9),
     "spent 10s: what is left today covers no request, 9 of 9 refused"),
    (Held(StateKind.REJECTED, cause="invalid", count=4, asked=5),
     "rejected 10s: 4 of 5 requests are invalid"),
    (Held(StateKind.REJECTED, cause="never_fits", count=4, asked=5),
     "rejected 10s: 4 of 5 requests are larger than a limit of it ever lets through"),
    (Held(StateKind.REJECTED, cause="key_revoked", count=4, asked=5),
     "rejected 10s: 4 of 5 requests come with a revoked key"),
    (Held(StateKind.NEAR, cause="tpm", count=98_412, asked=80_000, over_ms=60_000),
     "tpm 123% 10s: 98,412 of 80,000 tpm in 60s"),
    (Held(StateKind.NEAR, cause="budget", count=700_000_000, asked=750_000_000),
     "budget 93% 10s: $0.70 of today's $0.75"),
]  # fmt: skip


@pytest.mark.parametrize(("held", "sentence"), SENTENCES, ids=[s for _, s in SENTENCES])
def test_what_holds_is_a_sentence(held: Held, sentence: str) -> None:
    assert words_of(replace(held, since_ms=10_000), 20_000, 0).line == sentence


def test_a_row_says_in_a_few_cells_whose_limit_it_is() -> None:
    storm = Held(StateKind.STORM, cause="target_rpm", who="target:m/opus", count=300, asked=330)
    assert briefs_of(storm, "54") == ("by model", "opus rpm", "opus rpm 54/m")
    assert briefs_of(storm, "54", Subject.target("m/opus")) == ("rpm", "rpm 54/m")
    own = replace(storm, cause="rpm", who="project:a")
    assert briefs_of(own, "") == ("rpm",)

"""What is worked out once of a bucket's turns is what would be worked out anew."""

from random import Random

import pytest

from quotadeck.domain.limits import MICRO, Priority, Take, rpm, tpm
from quotadeck.limiter import MemoryLimiter, TurnName
from quotadeck.limiter.buckets import RateBucket
from quotadeck.limiter.fits import Fits
from tests.clocks import HandClock
from tests.limiter.rig import RPM, TARGET_TPM

STEPS = 1_500


async def play(seed: int) -> list[object]:
    """Whatever a limiter answers to the same requests, turns, ends and changed limits."""
    random, clock = Random(seed), HandClock()
    limiter = MemoryLimiter(clock)
    own, shared = rpm(120), tpm(12_000)
    live, answers = list[str](), list[object]()
    for step in range(STEPS):
        clock.advance_ns(random.choice((0, 1, 999, 70_000_000, 900_000_000)))
        what = random.random()
        takes = [
            Take(RPM, MICRO, own),
            Take(TARGET_TPM, random.choice((10, 500, 2_500)) * MICRO, shared, shared=True),
        ]
        priority = random.choice(tuple(Priority))
        if what < 0.85:
            turn = TurnName(random.choice("ab"), str(random.randrange(40)))
            wanted = turn if random.random() < 0.4 else None
            answer = await limiter.acquire(str(step), takes, priority, 60_000, wanted)
            live.append(str(step))
            answers.append(answer)
        elif what < 0.93 and live:
            name = live.pop(random.randrange(len(live)))
            answers.append(
                await limiter.settle(name, {TARGET_TPM: random.randrange(3_000) * MICRO})
            )
        elif what < 0.96:
            await limiter.forget(TurnName("a", str(random.randrange(40))))
        elif what < 0.98:
            shared = tpm(random.choice((6_000, 12_000, 24_000)))
            await limiter.relimit({TARGET_TPM: shared})
        else:
            answers.append(limiter.look(takes, priority))
    return answers


@pytest.mark.parametrize("seed", range(4))
async def test_answers_are_those_that_would_be_worked_out_anew(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = list[bool]()
    still_holds = Fits.still_holds

    def noted(self: Fits, bucket: RateBucket) -> bool:
        held.append(still_holds(self, bucket))
        return held[-1]

    monkeypatch.setattr(Fits, "still_holds", noted)
    answers = await play(seed)
    assert held.count(True) > 20, "it is worked out less often than it is asked for"
    monkeypatch.setattr(Fits, "still_holds", lambda *_: False)
    assert await play(seed) == answers

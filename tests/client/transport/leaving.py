"""Callers that give up, anywhere, before a provider that fails: for the test and the soak."""

import asyncio
import contextlib
import gc
import random
from typing import Final

from quotadeck.client import Backoff, QuotaManager

from .asking import CALLS, HELLO, MODEL, Sdks, nothing_held
from .upstream import Upstream

_FAULTS: Final = (
    ("retry-after-ms", 5),
    ("status", 500),
    ("truncate", 2),
    ("reset-chunk", 1),
    ("stream-error", 2),
    ("refuse", 0),
)
_AT_ONCE: Final = 10
_MOST_STEPS: Final = 400
"""Of the loop, until a call is cancelled: a whole one takes about so many."""


async def _left_open(sdks: Sdks) -> None:
    """Somebody takes the first event of a stream, and forgets the rest."""
    stream = await sdks.openai.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    async for _ in stream:
        return


async def give_up(manager: QuotaManager, provider: Upstream, calls: int, seed: int) -> int:
    """So many calls, most of them cancelled at a random step; how many ended by themselves.

    Raises TimeoutError where something is held afterwards.
    """
    dice, left, whole = random.Random(seed), calls, 0
    kinds = [*CALLS.values(), _left_open]

    async def caller(sdks: Sdks) -> None:
        nonlocal left, whole
        while left > 0:
            left -= 1
            if dice.random() < 0.5:
                kind, value = dice.choice(_FAULTS)
                provider.fault(kind, value=value, count=1)
            task = asyncio.create_task(dice.choice(kinds)(sdks))
            for _ in range(dice.randrange(_MOST_STEPS)):
                if task.done():
                    break
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
                whole += 1

    backoff = Backoff(base_s=0.002, ceiling_s=0.01)
    async with Sdks(manager, provider.root, backoff=backoff) as sdks:
        sdks.openai = sdks.openai.with_options(max_retries=0)
        sdks.anthropic = sdks.anthropic.with_options(max_retries=0)
        await asyncio.gather(*(caller(sdks) for _ in range(_AT_ONCE)))
        # A stream that was forgotten is a cycle: the collector finds it, and the loop closes it.
        gc.collect()
        async with asyncio.timeout(10):
            while not nothing_held(manager):  # noqa: ASYNC110 -- the collector has no event
                await asyncio.sleep(0.01)
    provider.service.faults.clear()
    return whole

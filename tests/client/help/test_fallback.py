"""What one model cannot serve the next one does, within one deadline; it is told which."""

import asyncio
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.client.help.failures import Kind, failure_of
from quotadeck.client.help.fallback import Fallback, NoneServed
from tests.client.help.sdks import Sdks
from tests.client.help.test_retry import Refused
from tests.sim.driver import MODEL

FAULTS = [
    "status=429",
    "insufficient-quota",
    "status=500",
    "status=503",
    "refuse",
    "html",
    "slow=5",
]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_second_model_serves_where_the_first_does_not(sdks: Sdks, fault: str) -> None:
    def call(model: str, timeout_s: float) -> Any:
        headers = {"X-Sim-Fault": fault} if model == MODEL else {}
        return sdks.openai(headers, min(timeout_s, 0.3) if headers else timeout_s)

    served = Fallback([MODEL, "deepseek-v3.2"], deadline_s=20).run(call)
    assert served.value.choices
    assert (served.model, served.step) == ("deepseek-v3.2", 1)
    assert served.moved[0].model == MODEL


@pytest.mark.parametrize("fault", ["status=400", "status=401", "status=404"])
def test_what_is_wrong_with_the_request_surfaces_at_once(sdks: Sdks, fault: str) -> None:
    asked = []

    def call(model: str, timeout_s: float) -> Any:
        asked.append(model)
        return sdks.openai({"X-Sim-Fault": fault}, timeout_s)

    with pytest.raises(openai.APIStatusError):
        Fallback(["a", "b"]).run(call)
    assert asked == ["a"]


async def test_one_that_hangs_leaves_time_for_the_next() -> None:
    given: dict[str, float] = {}

    async def call(model: str, timeout_s: float) -> str:
        given[model] = timeout_s
        if model == "hangs":
            await asyncio.Event().wait()
        return f"{model} answers"

    # A clock that stands still: however slow the machine is, the deadline does not pass.
    served = await Fallback(["hangs", "b", "c"], deadline_s=0.3).run_async(call, lambda: 0.0)
    assert (served.value, served.model) == ("b answers", "b")
    assert failure_of(served.moved[0].error).kind is Kind.LATE
    assert given == {"hangs": pytest.approx(0.1), "b": pytest.approx(0.15)}


async def test_when_none_serves_each_is_told_of() -> None:
    errors = {"a": Refused(429), "b": Refused(503)}

    async def call(model: str, _: float) -> None:
        raise errors[model]

    with pytest.raises(NoneServed, match=r"a: limited 429 after .* s; b: failed 503") as caught:
        await Fallback(["a", "b"]).run_async(call)
    assert caught.value.__cause__ is errors["b"]
    assert [one.error for one in caught.value.moved] == list(errors.values())


async def test_a_cancelled_one_moves_nowhere() -> None:
    asked, begun = [], asyncio.Event()

    async def call(model: str, _: float) -> None:
        asked.append(model)
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(Fallback(["a", "b"]).run_async(call))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asked == ["a"]


@given(st.lists(st.floats(0, 50), min_size=1, max_size=6), st.floats(0.1, 100))
def test_no_share_goes_beyond_the_deadline(took: list[float], deadline_s: float) -> None:
    now_s, shares = [0.0], []
    fallback = Fallback([f"m{at}" for at in range(len(took))], deadline_s)

    def call(model: str, timeout_s: float) -> None:
        shares.append(now_s[0] + timeout_s)
        now_s[0] += min(took[int(model[1:])], timeout_s)
        raise Refused(500)

    with pytest.raises(NoneServed):
        fallback.run(call, lambda: now_s[0])
    assert all(end_s <= deadline_s * 1.000001 for end_s in shares)
    assert now_s[0] <= deadline_s * 1.000001
    assert len(shares) == len(took) or now_s[0] >= deadline_s * 0.999999


@pytest.mark.parametrize("models", [[], "gpt-4.1"])
def test_a_fallback_without_models_is_none(models: Any) -> None:
    with pytest.raises(ValueError, match="a list of models"):
        Fallback(models)

"""What a beginner gets wrong is said where it is done, with what to do instead."""

import asyncio
import gc
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import quotadeck.client
from quotadeck.client import QuotaManager, Run
from tests.client.test_acquire import made

MISTAKES: list[tuple[str, type[Exception], Callable[[QuotaManager], object]]] = [
    ("limits have names, such as rpm=20", TypeError, lambda m: m.set_project_quota("a", _any(20))),
    ("patience= is seconds from 0 on", ValueError, lambda m: m.http_client("a", patience=-1)),
    ("patience= .* not '5'", ValueError, lambda m: m.http_client("a", patience=_any("5"))),
    ("a project's name is a text", ValueError, lambda m: m.http_client(_any(None))),
    ("a project's name is a text", ValueError, lambda m: m.check("")),
    ("a run's name is a text that is not empty, not ''", ValueError, lambda m: m.run("")),
    ("timeout= is seconds .* not '5'", ValueError, lambda m: m.acquire("a", timeout=_any("5"))),
    ("timeout= is seconds .* not -1", ValueError, lambda m: m.acquire("a", timeout=-1)),
    ("prices= is such as", TypeError, lambda _: QuotaManager(prices=_any(["gpt-4.1"]))),
    ("a price is dollars", ValueError, lambda _: QuotaManager(prices={"m": _any("a dollar")})),
    ("a price is", ValueError, lambda _: QuotaManager(prices={"m": _any(("2", "8", "1"))})),
    ("end\\(\\) it first", ValueError, lambda m: [m.run("r", requests=n) for n in (1, 2)]),
]


def _any(value: object) -> Any:
    """For what a type checker would find."""
    return value


@pytest.mark.parametrize(("words", "kind", "mistake"), MISTAKES)
def test_a_mistake_is_told(
    words: str, kind: type[Exception], mistake: Callable[[QuotaManager], object]
) -> None:
    with pytest.raises(kind, match=words):
        mistake(made())


def test_an_acquire_that_is_entered_or_used_without_await_says_so() -> None:
    manager: Any = made()
    with pytest.raises(TypeError, match="`async with`; threads have"), manager.acquire("a"):
        pass
    with (
        pytest.warns(RuntimeWarning, match="an acquire of project a was never awaited"),
        pytest.raises(AttributeError, match="no settle: await it"),
    ):
        manager.acquire("a").settle(5)
    with pytest.warns(RuntimeWarning, match="an acquire of project a was never awaited"):
        manager.acquire("a")
    assert manager.usage_report()["a"].requests == 0


def test_an_acquire_that_was_awaited_warns_of_nothing() -> None:
    manager = made()
    manager.set_project_quota("a", rpm=6)

    async def work() -> None:
        async with manager.acquire("a") as reservation:
            reservation.settle(5)
        waits = asyncio.ensure_future(manager.acquire("a"))
        await asyncio.sleep(0)
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(work())
        gc.collect()


def test_managers_quotas_and_runs_say_what_they_are() -> None:
    manager = QuotaManager(50, None, "12.50")
    assert repr(manager) == "<QuotaManager of 50 rpm, $12.5 a day; projects: none yet>"
    assert str(manager.set_project_quota("a", tpm=80_000, concurrency=8)) == (
        "80,000 tpm, 8 at once"
    )
    assert repr(manager) == "<QuotaManager of 50 rpm, $12.5 a day; projects: a>"
    assert repr(made()) == "<QuotaManager of no limit; projects: none yet>"
    run: Run = manager.run("import", requests=1)
    assert repr(run) == "<Run import: goes on>"
    run.end()
    assert repr(run) == "<Run import: it was ended>"


def test_a_reader_of_the_module_finds_what_is_there() -> None:
    assert {"QuotaManager", "SyncQuotaManager", "AcquireTimeout"} <= set(dir(quotadeck.client))

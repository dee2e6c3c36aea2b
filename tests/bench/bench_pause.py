"""From Enter in the pause dialog, on a real terminal, to the first request that is refused."""

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

from tests.load import chat
from tests.processes import Gateway, running
from tests.screen import Screen

ROUNDS = 15
CLIENTS = 2


def first_refusal(gateway: Gateway, key: str, stop: threading.Event, seen: list[float]) -> None:
    """Ask without a pause until refused; the instant of the refusal goes into ``seen``."""
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}) as http:
        while not stop.is_set():
            answer = http.post(f"{gateway.base_url}/chat/completions", json=chat())
            if answer.status_code == 403:
                seen.append(time.monotonic())
                return


def one_round(gateway: Gateway, key: str, screen: Screen) -> float:
    """Pause by keys while clients ask; milliseconds from Enter to the first refusal."""
    stop, seen = threading.Event(), list[float]()
    threads = [
        threading.Thread(target=first_refusal, args=(gateway, key, stop, seen))
        for _ in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    screen.press("p")
    screen.shows("pause bench", "reason")
    screen.type("measured")
    # The preview has come: the dialog is as a person would see it before Enter.
    screen.shows("measured", "refused")
    pressed = time.monotonic()
    screen.press("enter")
    screen.until(lambda: seen, "a refusal")
    stop.set()
    for thread in threads:
        thread.join()
    screen.hides("pause bench")
    gateway.command("resume", "project:bench")
    screen.shows("ok")
    screen.hides("‖")
    return (min(seen) - pressed) * 1_000


def run() -> list[tuple[str, str]]:
    """(name, figure) of the median and the slowest round."""
    with (
        tempfile.TemporaryDirectory() as directory,
        running(Path(directory), "[projects.bench]\n") as gateway,
    ):
        key = gateway.add_key("bench")
        command = [sys.executable, "-m", "quotadeck", "--socket", str(gateway.socket)]
        with Screen(command) as screen:
            screen.shows("bench", "live")
            times = sorted(one_round(gateway, key, screen) for _ in range(ROUNDS))
    return [
        (
            f"Enter → first refused request, {ROUNDS} times, median",
            f"{statistics.median(times):.1f} ms",
        ),
        ("the slowest of them", f"{times[-1]:.1f} ms"),
    ]

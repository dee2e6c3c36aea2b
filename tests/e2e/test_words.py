"""Every word of every frame against the ledger, while a gateway is paused, raised, cut and healed.

One gateway process, one upstream, a project for each thing that can happen, all at once; the frames
are the stream's own, worded as the console words them.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from quotadeck.domain.days import micros
from quotadeck.domain.snapshot import Snapshot
from quotadeck.wire.stream import Decoder
from quotadeck.words.states import words_of
from tests.oracle import Frame, contradictions
from tests.processes import Gateway, running, wait_until

PROJECTS = """
[projects.calm]
[projects.pausable]
[projects.modelled]
[projects.raised]
daily_budget_usd = "0.0008"
[projects.poor]
daily_budget_usd = "0.0008"
[projects.shaky]
[projects.rare]
[projects.revoked]
[projects.throttled]
rpm = 30
[projects.stormy]
rpm = 6
[projects.careless]
"""
GPT, GEMINI, OPUS, DEEPSEEK = "gpt-4.1", "gemini-2.5-flash", "claude-opus-4.7", "deepseek-v3.2"


@dataclass
class Watch:
    """Follows the stream, and keeps what every frame says of every project."""

    gateway: Gateway
    frames: list[Frame] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        decoder, event = Decoder(), ""
        with self.gateway.admin() as client, client.stream("GET", "/stream") as answer:
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self._take(decoder.apply(event, line.removeprefix("data: ").encode()))
                if self._stop.is_set():
                    return

    def _take(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        for row in snapshot.projects:
            words = words_of(row.state, snapshot.now_ms, snapshot.at_us)
            self.words[row.id] = words.word
            self.frames.append(Frame(snapshot.at_us, row.id, words.word))

    def says(self, within_s: float, **words: str) -> None:
        """Wait until each project's word begins so."""

        def all_said() -> bool:
            return all(self.words.get(p, "").startswith(word) for p, word in words.items())

        try:
            wait_until(all_said, within_s)
        except AssertionError:
            raise AssertionError(f"not {words} within {within_s} s: {self.words}") from None

    @contextmanager
    def following(self) -> Iterator[None]:
        self.words.clear()
        self._stop.clear()
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(5)


@dataclass
class Client:
    """A project's traffic: a request every ``every_s`` until it is told to stop."""

    gateway: Gateway
    key: str
    model: str
    every_s: float
    more: dict[str, object] = field(default_factory=dict)
    silent: bool = False
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        body = {
            "model": self.model,
            "max_tokens": 5,
            "messages": [{"role": "user", "content": "hi"}],
            **self.more,
        }
        with httpx.Client(timeout=10, verify=False) as http:
            while not self.stopped.wait(self.every_s):
                if not self.silent:
                    http.post(
                        f"{self.gateway.base_url}/chat/completions",
                        json=body,
                        headers={"Authorization": f"Bearer {self.key}"},
                    )


@contextmanager
def traffic(clients: dict[str, Client]) -> Iterator[None]:
    for client in clients.values():
        client.stopped.clear()
    threads = [threading.Thread(target=client.run, daemon=True) for client in clients.values()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for client in clients.values():
            client.stopped.set()
        for thread in threads:
            thread.join(10)


def now_us() -> int:
    return time.time_ns() // 1_000


@dataclass
class Changes:
    """Commands, and when they were in force: between being asked for and being answered."""

    gateway: Gateway
    at_us: dict[str, list[int]] = field(default_factory=dict)

    def make(self, project: str, action: str, subject: str, **more: object) -> None:
        at_us = self.at_us.setdefault(project, [])
        at_us.append(now_us())
        answer = self.gateway.command(action, subject, **more)
        assert answer["applied"], answer
        at_us.append(now_us())


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with running(tmp_path, PROJECTS, speed=0.01) as started:
        yield started


@pytest.mark.long
def test_no_frame_contradicts_the_ledger_of_its_last_ten_seconds(gateway: Gateway) -> None:
    def client(project: str, model: str, every_s: float, **more: object) -> Client:
        return Client(gateway, gateway.add_key(project), model, every_s, more)

    clients = {
        "calm": client("calm", GEMINI, 0.3),
        "pausable": client("pausable", GEMINI, 0.2),
        "modelled": client("modelled", GPT, 0.2),
        "raised": client("raised", GEMINI, 0.03),
        "poor": client("poor", GEMINI, 0.03),
        "shaky": client("shaky", DEEPSEEK, 0.15),
        "rare": client("rare", OPUS, 0.7),
        "revoked": client("revoked", GEMINI, 0.2),
        "throttled": client("throttled", GEMINI, 0.7),
        "stormy": client("stormy", GEMINI, 0.05),
        "careless": client("careless", GEMINI, 0.2, max_tokens=-5),
    }
    revoked_key = f"key:{clients['revoked'].key[3:11]}"
    change = Changes(gateway)
    began_us = now_us()
    watch = Watch(gateway)
    with watch.following(), traffic(clients):
        watch.says(8, calm="ok", pausable="ok", stormy="storm", careless="rejected")
        change.make("pausable", "pause", "project:pausable", for_ms=60_000)
        change.make("modelled", "pause", f"model:{GPT}", for_ms=60_000)
        gateway.upstream.fault("status", value=503, model=DEEPSEEK)
        gateway.upstream.fault("status", value=500, model=OPUS)
        change.make("revoked", "key_revoke", revoked_key)
        watch.says(3, pausable="paused", modelled="cut off", shaky="fails", revoked="cut off")
        watch.says(8, rare="fails", poor="spent", raised="spent", throttled="throttled")
        clients["rare"].silent = True  # silence after failure
        clients["throttled"].every_s = 4.0
        change.make(
            "raised",
            "limit",
            "project:raised",
            field="daily_budget_usd",
            value=1_000_000_000,
            for_ms=600_000,
        )
        clients["raised"].every_s = 0.3
        change.make("pausable", "resume", "project:pausable")
        change.make("modelled", "resume", f"model:{GPT}")
        gateway.upstream.heal()
        change.at_us["revoked"].append(now_us())
        clients["revoked"].key = gateway.add_key("revoked")
        change.at_us["revoked"].append(now_us())
        clients["stormy"].silent = True
        watch.says(2.5, pausable="ok", modelled="ok", raised="ok", revoked="ok")
        watch.says(14, shaky="ok", throttled="ok", stormy="ok", calm="ok", rare="fails")
    gateway.kill()
    gateway.start()
    with watch.following(), traffic(clients):
        watch.says(3, calm="ok", pausable="ok", poor="spent", rare="fail")
    calls = {project: gateway.calls(project=project) for project in clients}
    told = contradictions(watch.frames, calls, change.at_us, spent_out(calls, change, began_us))
    assert not told, "\n".join(told)
    assert len(watch.frames) > 200


def spent_out(
    calls: dict[str, list[dict[str, Any]]], change: Changes, began_us: int
) -> dict[str, list[tuple[int, int]]]:
    """When the ledger's own sums reach the two small budgets."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for project in ("raised", "poor"):
        ends = change.at_us["raised"][1] if project == "raised" else now_us()
        spent = 0
        for call in sorted(calls[project], key=lambda call: call["at"]):
            spent += call["cost_nano_usd"]
            if spent >= 800_000:
                spans[project] = [(micros(call["at"]), ends)]
                break
    return spans

"""The request path against plain nginx and two other gateways, in one run.

Everybody stands before the same upstream with a stored reply and gets the same request; rounds are
interleaved, figures are medians of them. CPU is that of a subject's whole process tree, by /proc.

    python -m tests.bench gateway --rounds 3 --seconds 2 --only json,stream --calls 1000000
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from tests.bench import apart, resident_mb
from tests.bench.asking import Asked, Seen, ask, ask_closely, begin_closely, result_of
from tests.bench.parts import prices
from tests.bench.subjects import (
    Start,
    Subject,
    install,
    nginx_stored,
    ours,
    own_stored,
    peers,
)

Row = tuple[str, str]
AT_MOST_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Options:
    """How long and what."""

    rounds: int
    seconds: float
    calls: int
    only: frozenset[str]
    peers: bool


def _options(asked: Iterable[str]) -> Options:
    parser = argparse.ArgumentParser(prog="python -m tests.bench gateway")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--calls", type=int, default=60_000, help="of the memory's figure")
    parser.add_argument("--only", default=",".join(SECTIONS), help="which figures")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    given = parser.parse_args(list(asked))
    only = frozenset(given.only.split(","))
    return Options(given.rounds, given.seconds, given.calls, only, not given.alone)


@contextmanager
def _subjects(of: Options, upstream: str) -> Iterator[tuple[list[Subject], list[Row]]]:
    """All that are here, started, and rows of those that are not."""
    wanted: dict[str, Start | str] = {"we": ours}
    if of.peers:
        wanted |= peers(apart=apart.inside())
    rows: list[Row] = []
    with ExitStack() as running:
        found = []
        for name, start in wanted.items():
            if isinstance(start, str):
                rows.append((name, start))
                continue
            directory = Path(running.enter_context(tempfile.TemporaryDirectory()))
            found.append(running.enter_context(start(directory, upstream)))
        yield found, rows


def _compared(costs: dict[str, float]) -> str:
    """``450 µs; nginx 23 (19.6 ×), Ferro 324 (1.39 ×)``: ours, theirs, ours ÷ theirs."""
    own = costs["we"]
    others = [
        f"{name} {cost:.0f} ({own / cost:.{2 if own / cost < 10 else 1}f} ×)"
        for name, cost in costs.items()
        if name != "we"
    ]
    return "; ".join([f"{own:.0f} µs", ", ".join(others)]).removesuffix("; ")


def _upstream_row(subject: Subject) -> Row:
    seen = ask(subject.asked(50, 2))
    return f"{subject.name} alone carries", f"{seen.count / seen.seconds:,.0f} requests/s"


def json_cost(of: Options) -> Iterator[Row]:
    """CPU per JSON request, requests/s, and the upstream's own rate."""
    with ExitStack() as running:
        directory = Path(running.enter_context(tempfile.TemporaryDirectory()))
        stored = running.enter_context(nginx_stored(directory))
        yield _upstream_row(stored)
        base = f"http://127.0.0.1:{stored.port}/v1"
        subjects, missing = running.enter_context(_subjects(of, base))
        yield from missing
        for subject in subjects:
            subject.cost(subject.asked(50, 2))
        for clients in (50, 100, 10, 25):
            costs: dict[str, list[float]] = {one.name: [] for one in subjects}
            rates: dict[str, list[float]] = {one.name: [] for one in subjects}
            errors = dict.fromkeys(costs, 0)
            for _ in range(of.rounds):
                for subject in subjects:
                    cost, seen = subject.cost(subject.asked(clients, of.seconds))
                    costs[subject.name].append(cost)
                    rates[subject.name].append(seen.count / seen.seconds)
                    errors[subject.name] += seen.errors
            said = _compared({name: median(some) for name, some in costs.items()})
            failed = ", ".join(f"{name} {count}" for name, count in errors.items() if count)
            yield f"CPU per JSON request, c={clients}", said + (failed and f"; ERRORS {failed}")
            if clients == 50:
                rate = ", ".join(f"{name} {median(some):,.0f}" for name, some in rates.items())
                yield "requests/s meanwhile", rate
                yield "one core of ours", f"{1e6 / median(costs['we']):,.0f} requests/s"


def stream_cost(of: Options) -> Iterator[Row]:
    """CPU per stream of 20 paced chunks, and the first byte beside asking the upstream itself."""
    with ExitStack() as running:
        directory = Path(running.enter_context(tempfile.TemporaryDirectory()))
        stored = running.enter_context(own_stored(directory))
        yield _upstream_row(stored)
        base = f"http://127.0.0.1:{stored.port}/v1"
        subjects, missing = running.enter_context(_subjects(of, base))
        yield from missing
        costs: dict[str, list[float]] = {one.name: [] for one in subjects}
        for turn in range(of.rounds + 1):
            for subject in subjects:
                cost, _ = subject.cost(subject.asked(50, of.seconds, stream=True))
                if turn:
                    costs[subject.name].append(cost)
        said = _compared({name: median(some) for name, some in costs.items()})
        yield "CPU per stream of 20 chunks, one each 5 ms, c=50", said
        we = next(one for one in subjects if one.name == "we")
        for clients in (10, 50):
            added: list[tuple[float, float]] = []
            for _ in range(of.rounds):
                direct = ask_closely(stored.asked(clients, of.seconds, stream=True))
                by_us = ask_closely(we.asked(clients, of.seconds, stream=True))
                added.append(
                    (
                        by_us.first_p50_ms - direct.first_p50_ms,
                        by_us.first_p99_ms - direct.first_p99_ms,
                    )
                )
            p50, p99 = (median(some) for some in zip(*added, strict=True))
            said = f"p50 {p50:.2f}, p99 {p99:.2f} ms"
            yield f"time to first byte added to a stream, c={clients}", said


def latency(of: Options) -> Iterator[Row]:
    """What is added over an upstream of 20 ms, and the totals."""
    with ExitStack() as running:
        directory = Path(running.enter_context(tempfile.TemporaryDirectory()))
        stored = running.enter_context(own_stored(directory))
        base = f"http://127.0.0.1:{stored.port}/slow/v1"
        subjects, _ = running.enter_context(_subjects(of, base))
        for subject in subjects:
            ask(subject.asked(50, 1))
        for clients in (50, 100, 10, 25):
            direct = replace(stored.asked(clients, of.seconds), path="/slow/v1/chat/completions")
            everybody = {"nobody": direct}
            everybody |= {one.name: one.asked(clients, of.seconds) for one in subjects}
            seen: dict[str, list[Seen]] = {name: [] for name in everybody}
            for _ in range(of.rounds):
                for name, asked in everybody.items():
                    seen[name].append(ask(asked))
            totals = {
                name: (median(one.p50_ms for one in some), median(one.p99_ms for one in some))
                for name, some in seen.items()
            }
            zero = totals["nobody"]
            errors = sum(one.errors for one in seen["we"])
            added = [ours - none for ours, none in zip(totals["we"], zero, strict=True)]
            said = f"p50 {added[0]:.1f}, p99 {added[1]:.1f} ms, errors {errors}"
            yield f"added over an upstream of 20 ms, c={clients}", said
            told = ", ".join(f"{name} {p50:.1f}/{p99:.1f}" for name, (p50, p99) in totals.items())
            yield f"the totals p50/p99, c={clients}", f"{told} ms"


def fresh(of: Options) -> Iterator[Row]:
    """200 new connections at once, among 50 busy ones."""
    with ExitStack() as running:
        directory, second = (
            Path(running.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)
        )
        stored = running.enter_context(nginx_stored(directory))
        we = running.enter_context(ours(second, f"http://127.0.0.1:{stored.port}/v1"))
        ask(we.asked(50, 1))
        worst, shares = [], []
        for _ in range(of.rounds):
            seen = _fresh_among_busy(we.asked(200, 5), we.asked(50, 8))
            worst.append(max(first for first, _ in seen.connections))
            counts = [count for _, count in seen.connections]
            shares.append(min(counts) / max(counts))
        yield "200 fresh connections, 50 busy: the worst first answer", f"{median(worst):.0f} ms"
        yield "of them requests a connection, least ÷ most", f"{median(shares):.2f}"


def _fresh_among_busy(new: Asked, busy: Asked) -> Seen:
    load = begin_closely(busy)
    try:
        time.sleep(1.5)
        return ask_closely(new)
    finally:
        result_of(load, 60)


def projects(of: Options) -> Iterator[Row]:
    """10 and 10,000 projects: CPU a request and memory."""
    limits = 'rpm = 1000000\ntpm = 1000000000\nconcurrency = 1000\ndaily_budget_usd = "1000000"'
    with ExitStack() as running:
        directory = Path(running.enter_context(tempfile.TemporaryDirectory()))
        stored = running.enter_context(nginx_stored(directory))
        few_many = []
        for count in (10, 10_000):
            tables = [f"[projects.p{number}]\n{limits}" for number in range(count - 1)]
            tables.append(f"[projects.bench]\n{limits}")
            at = Path(running.enter_context(tempfile.TemporaryDirectory()))
            base = f"http://127.0.0.1:{stored.port}/v1"
            few_many.append(running.enter_context(ours(at, base, "\n".join(tables))))
        for one in few_many:
            ask(one.asked(50, 2))
        costs: list[list[float]] = [[], []]
        for _ in range(of.rounds):
            for some, one in zip(costs, few_many, strict=True):
                some.append(one.cost(one.asked(50, of.seconds))[0])
        few, many = map(median, costs)
        small, large = (resident_mb(one.pid) for one in few_many)
        said = f"{few:.0f} → {many:.0f} µs ({100 * (many / few - 1):+.0f} %)"
        yield "10 → 10,000 projects: CPU per JSON request, c=50", said
        said = f"{small:.0f} → {large:.0f} MB ({large - small:+.0f})"
        yield "10 → 10,000 projects: resident memory", said


def memory(of: Options) -> Iterator[Row]:
    """Resident memory as calls come, in ten equal parts."""
    with ExitStack() as running:
        directory, second = (
            Path(running.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)
        )
        stored = running.enter_context(nginx_stored(directory))
        we = running.enter_context(ours(second, f"http://127.0.0.1:{stored.port}/v1"))
        sizes, done = [resident_mb(we.pid)], 0
        for part in range(1, 11):
            while done < of.calls * part / 10:
                done += ask(we.asked(50, 2)).count
            sizes.append(resident_mb(we.pid))
        said = " → ".join(f"{size:.0f}" for size in sizes)
        yield f"memory over {done:,} calls (before, after each tenth)", f"{said} MB"


SECTIONS: Mapping[str, Callable[[Options], Iterator[Row]]] = {
    "json": json_cost,
    "stream": stream_cost,
    "latency": latency,
    "fresh": fresh,
    "projects": projects,
    "memory": memory,
    "parts": lambda of: prices(of.rounds, of.seconds),
}


def run(*asked: str) -> Iterator[Row]:
    """(name, figure) as they come."""
    of = _options(asked)
    if not apart.inside():
        if of.peers:
            install()
        if apart.possible():
            for line in apart.lines("tests.bench.bench_gateway", asked, AT_MOST_S):
                what, _, figure = line.partition("\t")
                yield what, figure
            return
    yield "the load comes from", "wrk" if shutil.which("wrk") else "our own asker"
    for name, section in SECTIONS.items():
        if name in of.only:
            yield from section(of)


if __name__ == "__main__":
    apart.loopback_up()
    for what, figure in run(*sys.argv[1:]):
        print(f"{what}\t{figure}", flush=True)

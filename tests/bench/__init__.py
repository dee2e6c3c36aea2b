"""Timings, printed and never asserted: they depend on the machine."""

import os
from pathlib import Path

_TICK = float(os.sysconf("SC_CLK_TCK"))


def _stat(pid: int | str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def cpu_s(pid: int) -> float:
    """User and system seconds of a process so far; 0 where the system has no /proc."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICK if fields else 0.0


def tree_cpu_s(pid: int) -> float:
    """Seconds of a process, of all that it started, and of those of them that have ended."""
    parents = {
        int(entry.name): int(fields[1])
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and (fields := _stat(entry.name))
    }
    tree = [pid]
    for one in tree:  # grows while it is read
        tree += [child for child, parent in parents.items() if parent == one]
    return sum(sum(map(int, _stat(one)[11:15])) for one in tree) / _TICK


def resident_mb(pid: int) -> float:
    """Resident memory in megabytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

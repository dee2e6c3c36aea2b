"""Timings, printed and never asserted: they depend on the machine."""

import os
from pathlib import Path


def cpu_s(pid: int) -> float:
    """User and system seconds of a process so far; 0 where the system has no /proc."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))

"""`make bench`: every bench module in turn, one table, with the machine it was taken on.

`python -m tests.bench NAME …` runs only the modules named (without their `bench_`), and
`python -m tests.bench NAME --OPTION VALUE …` gives the options to it.
"""

import importlib
import os
import platform
import sys
import sysconfig
from pathlib import Path

import quotadeck


def machine() -> str:
    """The machine in a line."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0].partition(":")[2].strip() if names else platform.machine()
    return (
        f"{os.cpu_count()} × {model}, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()} ({build()})"
    )


def build() -> str:
    """How this Python was optimised, which is worth 5–13 % of a request's CPU."""
    flags = str(sysconfig.get_config_var("CONFIG_ARGS"))
    return ", ".join(
        f"{name} {'on' if flag in flags else 'off'}"
        for name, flag in (("PGO", "--enable-optimizations"), ("LTO", "--with-lto"))
    )


def main(asked: list[str]) -> None:
    """Run and print."""
    options = next((at for at, one in enumerate(asked) if one.startswith("--")), len(asked))
    wanted = asked[:options]
    here = Path(__file__).parent
    names = wanted or sorted(path.stem[6:] for path in here.glob("bench_*.py"))
    print(f"quotadeck {quotadeck.__version__} on {machine()}")
    for name in names:
        module = importlib.import_module(f"tests.bench.bench_{name}")
        print(f"\n{name}")
        for what, figure in module.run(*asked[options:]):
            print(f"  {what:<62} {figure}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

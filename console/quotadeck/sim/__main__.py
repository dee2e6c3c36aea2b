"""`python -m quotadeck.sim`: the simulated upstream, or the traffic, as a process."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson
import uvloop

from quotadeck.sim.characters import cast
from quotadeck.sim.lifetime import Lifetime
from quotadeck.sim.scenes import SCENES
from quotadeck.sim.traffic import TrafficOptions, run_traffic
from quotadeck.sim.upstream import UpstreamOptions, run_upstream

EXIT_USAGE = 2


class UsageError(Exception):
    """The command cannot be carried out as given."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and run what it names."""
    options = _parser().parse_args(arguments)
    try:
        return uvloop.run(_upstream(options) if options.what == "upstream" else _traffic(options))
    except (OSError, UsageError) as error:
        print(f"quotadeck.sim {options.what}: {error}", file=sys.stderr)
        return EXIT_USAGE


async def _upstream(options: argparse.Namespace) -> int:
    lifetime = Lifetime()
    await lifetime.watch(exit_with_parent=options.exit_with_parent)
    try:
        return await run_upstream(
            UpstreamOptions(
                port=options.port,
                log=options.log,
                key=options.key,
                seed=options.seed,
                speed=options.speed,
                enforce_limits=options.enforce_limits,
            ),
            lifetime,
        )
    finally:
        lifetime.close()


async def _traffic(options: argparse.Namespace) -> int:
    scene = SCENES[options.scene].at_pace(options.pace)
    characters = cast(options.projects, scene.cast)
    keys = _read_keys(options.keys)
    named = {character.id for character in characters}
    named |= {stranger.id for stranger in scene.strangers if stranger.project in named}
    if missing := sorted(named - keys.keys()):
        raise UsageError(f"{options.keys}: no key for {', '.join(missing)}")
    lifetime = Lifetime()
    await lifetime.watch(exit_with_parent=options.exit_with_parent)
    try:
        return await run_traffic(
            TrafficOptions(
                gateway=options.gateway,
                keys=keys,
                rate=options.rate,
                seed=options.seed,
                seconds=options.seconds,
                upstream=options.upstream,
            ),
            characters,
            scene,
            lifetime,
        )
    finally:
        lifetime.close()


def _read_keys(path: Path) -> dict[str, str]:
    try:
        keys = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path}: not JSON: {error}") from error
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise UsageError(f"{path}: not a JSON object of project ids and keys")
    return keys


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m quotadeck.sim", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)

    upstream = commands.add_parser("upstream", help="an OpenAI-compatible server on loopback")
    upstream.add_argument("--port", type=int, default=0, help="0 takes a free one")
    upstream.add_argument("--log", type=Path, help="append a JSON line a call here")
    upstream.add_argument("--key", help="the bearer key to ask for (default: any)")
    upstream.add_argument("--speed", type=_not_negative, default=1.0, help="0: no delays at all")
    upstream.add_argument("--enforce-limits", action="store_true", help="429 past RPM and TPM")

    traffic = commands.add_parser("traffic", help="projects that send requests to a gateway")
    traffic.add_argument("--gateway", required=True, help="http://host:port/v1")
    traffic.add_argument("--keys", type=Path, required=True, help="JSON: project id to key")
    traffic.add_argument("--rate", type=_positive, default=1.0, help="multiplies every rate")
    traffic.add_argument("--projects", type=_at_least_one, default=6)
    traffic.add_argument("--seconds", type=_positive, help="stop by itself after so long")

    traffic.add_argument("--scene", choices=SCENES, default="mix")
    traffic.add_argument("--pace", type=_positive, default=1.0, help="multiplies the scene's times")
    traffic.add_argument("--upstream", default="", help="whose control door takes its faults")

    for command in (upstream, traffic):
        command.add_argument("--seed", type=int, default=0)
        command.add_argument(
            "--exit-with-parent", action="store_true", help="end when stdin reaches its end"
        )
    return parser


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError("a number, not negative")
    return value


def _positive(text: str) -> float:
    value = _not_negative(text)
    if not value:
        raise argparse.ArgumentTypeError("a number above zero")
    return value


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value


if __name__ == "__main__":
    sys.exit(main())

"""``quotadeck gateway``: run the gateway in the foreground until SIGTERM."""

import gc
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quotadeck import words
from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.options import CONFIG
from quotadeck.cli.show import json_text, say
from quotadeck.domain.text import clean

if TYPE_CHECKING:
    from quotadeck.gateway import Ready


@click.command(epilog="\b\nExample:\n  quotadeck gateway --config /etc/quotadeck/config.toml")
@CONFIG
@click.option("--exit-with-parent", is_flag=True, hidden=True, help="End when stdin ends.")
def gateway(*, config: Path | None, exit_with_parent: bool) -> int:
    """Run the gateway that applications call.

    It stays in the foreground. SIGTERM drains what is under way and exits; a second one cuts.
    SIGHUP drains it where it was started at a terminal, and is ignored where not.
    """
    # Until the gateway takes its signals there is nothing to drain, and nothing to leave behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(Exit.OK))
    if not (sys.stdin.isatty() or sys.stderr.isatty()):  # a service's means no end, also this early
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # What a start makes stays: at 10,000 projects the collector would take half of it.
    gc.disable()
    from quotadeck.wire import paths
    from quotadeck.wire.config import ConfigError, load

    path = config or paths.config_file()
    if config is None and not paths.is_there(path):
        raise Stop(Exit.USAGE, words.text("serve.no_config", path=clean(str(path), 300)))
    try:
        loaded = load(path)
    except ConfigError as wrong:
        raise Stop(Exit.USAGE, *str(wrong).splitlines()) from None
    from quotadeck.gateway import ListenFailed, SocketError, run
    from quotadeck.store import StoreError

    try:
        return run(loaded, ready=_tell, exit_with_parent=exit_with_parent)
    except (ListenFailed, SocketError, StoreError) as refused:
        raise Stop(Exit.REFUSED, words.say(refused.told)) from None


def _tell(at: "Ready") -> None:
    gc.freeze()  # and no collection looks through it again while requests wait
    gc.enable()
    if sys.stdout.isatty():
        where = clean(str(at.socket), 300)
        say(words.text("gateway.serving", base_url=at.base_url, socket=where))
        say(words.text("gateway.next"))
    else:
        told = {"ready": True, "base_url": at.base_url, "socket": str(at.socket)}
        say(json_text(told, indent=None))
    sys.stdout.flush()

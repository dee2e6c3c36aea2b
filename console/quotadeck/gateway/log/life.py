"""The gateway's own life in its log: its start, what it took of the config, its end."""

import logging
import os
import platform
import time
from typing import Final

from quotadeck import __version__
from quotadeck.domain.notice import notice
from quotadeck.domain.text import clean
from quotadeck.gateway.log.handler import log
from quotadeck.wire.config import GatewayConfig

_BEGAN_NS: Final = time.monotonic_ns()


def say_serving(config: GatewayConfig, base_url: str) -> None:
    """Which program serves from now on, where, and with which config."""
    for warning in config.warnings:
        log(logging.WARNING, notice("log.config_warned", text=clean(warning, 300)))
    field = config.catalogue
    told = notice(
        "log.serving",
        version=__version__,
        base_url=base_url,
        socket=clean(str(config.socket), 300),
        file=clean(str(config.file), 1_000),
        digest=config.digest,
        projects=len(field.projects),
        upstreams=len(field.upstreams),
        targets=len(field.targets),
        routes=len(field.routes),
    )
    log(
        logging.INFO,
        told,
        name=config.name,
        pid=os.getpid(),
        python=platform.python_version(),
        state=clean(str(config.state), 1_000),
        body_limit_bytes=config.body_limit_bytes,
        request_window_s=config.request_window_s,
        token_window_s=config.token_window_s,
        access=config.log.access,
    )


def say_stopping(why: str, under_way: int, waits_s: float) -> None:
    """Why it ends, and for how many calls it waits."""
    level = logging.INFO if why else logging.ERROR
    told = notice(
        "log.stopping", why=why or "fault", under_way=under_way, wait_ms=round(waits_s * 1_000)
    )
    log(level, told)


def say_stopped(cut: int) -> None:
    """Its last words; ``cut`` calls were ended by it."""
    ran_ms = (time.monotonic_ns() - _BEGAN_NS) // 1_000_000
    log(logging.WARNING if cut else logging.INFO, notice("log.stopped", cut=cut, ran_ms=ran_ms))

"""The config file: read into a frozen value, with every mistake told at once."""

from quotadeck.wire.config.load import GatewayConfig, LogConfig, load
from quotadeck.wire.config.problems import ConfigError, Problem
from quotadeck.wire.config.reference import config_reference, example

__all__ = [
    "ConfigError",
    "GatewayConfig",
    "LogConfig",
    "Problem",
    "config_reference",
    "example",
    "load",
]

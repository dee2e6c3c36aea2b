"""The config file: read into a frozen value, with every mistake told at once."""

from console.wire.config.load import GatewayConfig, load
from console.wire.config.problems import ConfigError, Problem
from console.wire.config.reference import config_reference, example

__all__ = ["ConfigError", "GatewayConfig", "Problem", "config_reference", "example", "load"]

"""Config files for tests: a small whole one, and what to change in it."""

from pathlib import Path

import pytest

from quotadeck.wire.config import ConfigError, load
from quotadeck.wire.config.load import GatewayConfig

KEY = "sk-test-0123456789abcdef0123456789abcdef0123456789abcdef"
ENV = {"UPSTREAM_KEY": KEY}
SMALL = """\
[gateway]
name = "gw-test"

[projects.analytics]
rpm = 20

[upstreams.main]
base_url = "https://api.example.com/v1"
key = { env = "UPSTREAM_KEY" }

[targets."main/gpt-4.1"]

[routes."gpt-4.1"]
targets = ["main/gpt-4.1"]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    return path


def loaded(tmp_path: Path, text: str = SMALL) -> GatewayConfig:
    return load(written(tmp_path, text), ENV)


def changed(old: str, new: str) -> str:
    """The small config with one text in place of another, which must be there."""
    assert old in SMALL
    return SMALL.replace(old, new)


def refusal(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> str:
    """The words with which a config is refused, without the file's name."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        load(path, ENV if env is None else env)
    return str(refused.value).replace(f"{path}: ", "")

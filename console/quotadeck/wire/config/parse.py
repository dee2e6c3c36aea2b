"""The file's text, and the TOML in it."""

import re
import tomllib
from pathlib import Path
from typing import Any

from quotadeck.wire.config.problems import ConfigError, Problem

MAX_FILE_BYTES = 16 * 1024 * 1024


def text_of(path: Path) -> str:
    def unusable(found: str) -> ConfigError:
        return ConfigError(path, (Problem((), found, "a TOML file; `quotadeck init` writes one"),))

    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise unusable(f"no readable file ({error.strerror})") from None
    if len(content) > MAX_FILE_BYTES:
        raise unusable(f"more than {MAX_FILE_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise unusable(f"bytes on line {line} that are not UTF-8") from None


def toml_of(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        found, place = "lists or tables nested too deep", None
    except ValueError as error:
        found = re.sub(r" \(at .*\)$", "", str(error))
        place = re.search(r"\(at line (\d+)", str(error))
    lines = text.split("\n")
    at_end = len(text.rstrip().split("\n"))
    line = int(place[1]) if place else at_end if "nested" not in found else None
    allowed = "TOML (https://toml.io)"
    if line and lines[line - 1].lstrip().startswith("["):
        allowed += '; a name with . or / in it stands in quotes: [targets."main/gpt-4.1"]'
    raise ConfigError(path, (Problem((), f"no valid TOML: {found}", allowed, line),))

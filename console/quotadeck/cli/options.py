"""Options that several commands share."""

from pathlib import Path
from typing import Final

import click

JSON: Final = click.option(
    "--json", "as_json", is_flag=True, help="One JSON document instead of words."
)
CONFIG: Final = click.option(
    "--config", type=click.Path(path_type=Path), help="Default: your own config file."
)
STATE: Final = click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="The gateway's state folder. Default: your own config's.",
)

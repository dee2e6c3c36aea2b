"""``python -m tests.screens`` names the screens that differ; ``--write`` keeps them anew."""

import asyncio
import sys
from pathlib import Path
from typing import Final

from tests.screens.scenes import SCENES
from tests.screens.shoot import shoot

SHOTS: Final = Path(__file__).parent / "shots"


async def main(*, write: bool) -> int:
    """0 where all screens are as kept, or were written."""
    differ = 0
    for name, scene in SCENES.items():
        path, text = SHOTS / f"{name}.txt", await shoot(scene)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        differ += not write
        print("wrote" if write else "differs", path.name)
        if write:
            path.write_text(text, encoding="utf-8")
    return differ


if __name__ == "__main__":
    sys.exit(asyncio.run(main(write="--write" in sys.argv)))

"""The examples of CLIENT.md, and how one is run."""

import ast
import inspect
import re
from pathlib import Path
from typing import Any, Final

TEXT: Final = (Path(__file__).parents[2] / "CLIENT.md").read_text("utf-8")
_BLOCKS: Final = re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
EXAMPLES: Final = [code for code in _BLOCKS if "gateway=" not in code]
"""In the order in which they stand there."""
BEFORE_A_GATEWAY: Final = [code for code in _BLOCKS if "gateway=" in code]


async def run(code: str, names: dict[str, Any]) -> None:
    """Run an example, which may await, in this namespace."""
    compiled = compile(code, "CLIENT.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    found = eval(compiled, names)
    if inspect.isawaitable(found):
        await found

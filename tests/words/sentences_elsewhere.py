"""Finds, in the source, texts that look like a sentence for people and do not stand in words/."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeGuard

import quotadeck

ROOT: Final = Path(quotadeck.__file__).parent
_WORD: Final = re.compile(r"(?<![\w./:%-])[A-Za-z][a-z']*(?![\w=(\[-])")
_CODE: Final = re.compile(
    r"\s*\(?(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|PRAGMA|ATTACH|VACUUM|REPLACE|BEGIN|FROM|"
    r"WITH|WHERE|AND|ORDER|GROUP|LEFT|JOIN|UNION|CASE)\b"  # SQL
    r"|[^{]*\{ [a-z]+: .*;"  # CSS
    r"|[\w{}']+(, [\w{}']+)+,?$"  # names of columns
    r"|.*\w+ = \?\d| *# |.*\{\}/\{\} +|\[\w+\]\n|socket = ",
    re.DOTALL,
)
_DIAGNOSES: Final = re.compile(
    r"(Value|Type|Key|Lookup|Runtime|Connection)Error|Unreadable|UnknownType|UnknownSpending"
    r"|Stream(Damaged|Newer)|(Reservation|Bucket)Error"
)
"""What a bug or a decoder says: quoted in a place of a sentence, as the system's texts are."""
_LOGS: Final = {"debug", "info", "warning", "error", "exception", "critical", "log"}


@dataclass(frozen=True)
class Literal:
    """A text in the source; a place of an f-string is ``{}``."""

    path: str
    line: int
    text: str


def sentences(path: Path) -> Iterator[Literal]:
    """The texts of a file that read as three words or more."""
    tree = ast.parse(path.read_text())
    name = str(path.relative_to(ROOT))
    passed = {id(node) for one in ast.walk(tree) for node in _not_told(one)}
    yield from (
        Literal(name, line, text)
        for line, text in _texts(tree, passed)
        if len(_WORD.findall(text)) >= 3 and not _CODE.match(text)
    )


def _texts(node: ast.AST, passed: set[int]) -> Iterator[tuple[int, str]]:
    if id(node) in passed:
        return
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        yield node.lineno, "".join(map(str, parts))
        children: list[ast.AST] = [
            p.value for p in node.values if isinstance(p, ast.FormattedValue)
        ]
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
        children = []
    else:
        children = list(ast.iter_child_nodes(node))
    for child in children:
        yield from _texts(child, passed)


def _not_told(node: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, the log's lines, what a bug or a decoder says, assertions, and annotations."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield from (one.value for one in node.body if _is_docstring(one))
        yield from (
            after.value
            for before, after in zip(node.body, node.body[1:], strict=False)
            if isinstance(before, ast.Assign | ast.AnnAssign) and _is_docstring(after)
        )
    if isinstance(node, ast.Call) and _DIAGNOSES.fullmatch(ast.unparse(node.func)):
        yield node
    if isinstance(node, ast.Assert) and node.msg is not None:
        yield node.msg
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        name = f"{ast.unparse(node.func.value)}.{node.func.attr}".lower()
        if re.search(r"\blog\.\w+$", name) and node.func.attr in _LOGS:
            yield node
    if isinstance(node, ast.AnnAssign):
        yield node.annotation


def _is_docstring(node: ast.stmt) -> TypeGuard[ast.Expr]:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)

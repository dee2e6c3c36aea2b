"""Which line of a TOML text a key stands on, for errors: tomllib gives values without places.

The text is cut into statements (a table header or a key with its value) by asking tomllib itself
whether the lines so far are one, so every spelling of a key is understood as the parser does.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence

Key = tuple[str | int, ...]
"""The way to a value; an int is a place in a list."""

_CLOSERS = ("]", "}", '"""', "'''")


class KeyLines:
    """The line numbers of the keys of a text that tomllib accepts."""

    def __init__(self, text: str) -> None:
        self._line_of: dict[Key, int] = {}
        table: Key = ()
        for number, statement in _statements(text.replace("\r\n", "\n")):
            keys = list(_paths(tomllib.loads(statement)))
            if statement.lstrip().startswith("["):
                table = max(keys, key=len)
                self._line_of.setdefault(table, number)
            else:
                for key in keys:
                    self._line_of.setdefault((*table, *key), number)

    def line_of(self, key: Key) -> int | None:
        """The line of the key, else of the nearest table around it that is written out."""
        for length in range(len(key), 0, -1):
            if key[:length] in self._line_of:
                return self._line_of[key[:length]]
        return None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement with its first line's number."""
    chunk: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        chunk.append(line)
        # A value that goes over several lines ends on one with a closing mark.
        if len(chunk) > 1 and not any(mark in line for mark in _CLOSERS):
            continue
        statement = "\n".join(chunk)
        try:
            tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        yield number - len(chunk) + 1, statement
        chunk.clear()


def _paths(value: object) -> Iterator[Key]:
    """Every way into nested tables; a list of tables (``[[x]]``) is passed through to its last."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield (name,)
            yield from ((name, *rest) for rest in _paths(inner))
    elif isinstance(value, Sequence) and value and isinstance(value[-1], Mapping):
        yield from _paths(value[-1])

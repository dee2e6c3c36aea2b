"""Copies to be kept: a value as it is now, whatever becomes of the one that was copied.

A copy is bytes: a tenth of the objects that come of it, and their size is known. Classes and
functions are referred to, as `copy.deepcopy` refers to them: SDKs make some of theirs at run time,
and nothing finds those by a name.
"""

import pickle
from io import BytesIO
from sys import getsizeof
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final, NamedTuple

_REFERRED_TO: Final = (type, FunctionType, BuiltinFunctionType)


class Copy(NamedTuple):
    """``referred`` are what its bytes refer to by their numbers."""

    data: bytes
    referred: tuple[Any, ...]

    @property
    def size_bytes(self) -> int:
        return getsizeof(self) + getsizeof(self.data) + getsizeof(self.referred)

    def value(self) -> Any:
        """One of the caller's own. May raise anything, as what is in it likes."""
        return _Reader(self).load()


def copy_of(value: Any) -> Copy | None:
    """None for what cannot be copied, such as a connection, or is too deep."""
    writer = _Writer()
    try:
        writer.dump(value)
    except Exception:  # noqa: BLE001 -- objects raise what they like
        return None
    return Copy(writer.written.getvalue(), tuple(writer.referred))


class _Writer(pickle.Pickler):
    def __init__(self) -> None:
        self.written = BytesIO()
        self.referred: list[Any] = []
        self._numbers: dict[int, int] = {}
        super().__init__(self.written, pickle.HIGHEST_PROTOCOL)

    def persistent_id(self, one: Any) -> int | None:
        if not isinstance(one, _REFERRED_TO):
            return None
        number = self._numbers.setdefault(id(one), len(self.referred))
        if number == len(self.referred):
            self.referred.append(one)
        return number


class _Reader(pickle.Unpickler):
    """Of bytes that never leave this process."""

    def __init__(self, copy: Copy) -> None:
        super().__init__(BytesIO(copy.data))
        self._referred = copy.referred

    def persistent_load(self, number: int) -> Any:
        return self._referred[number]

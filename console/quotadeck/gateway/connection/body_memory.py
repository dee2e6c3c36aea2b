"""The memory that request bodies hold, all together: counted as the bytes come.

A body is in memory up to four times: as it came, joined, parsed (more where its text is not ASCII)
and written anew for the upstream. What counts here is its size, once; the limits leave room for
the copies.
"""

import asyncio
import ctypes
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, Protocol, Self

from quotadeck.domain.refusals import BodiesTooLarge, BodyTooLarge
from quotadeck.gateway.connection.unpacking import codings_of, unpacked

SMALL_BYTES: Final = 64 * 1024
"""The beginning of each body, which is the whole of most, has a limit of its own: large bodies take
nothing from small ones."""
ALL_SMALL_BYTES: Final = 128 * 1024 * 1024
"""Ten thousand requests of 13 KB at once."""
ALL_LARGE_BYTES: Final = 40 * 1024 * 1024
"""What all bodies have beyond their beginnings: 160 MB with the copies, so that a gateway of 80 MB
stays under 300 MB. One project may have three quarters of it: three of the largest bodies that a
config allows by default."""

_BYTES_A_SECOND: Final = 50_000_000
"""So many bytes of large bodies are parsed and written anew in a second. That takes half of it; the
other half is for small requests, which would wait for one large one after the other."""
_M_MMAP_THRESHOLD: Final = -3
"""mallopt(3)"""
_LARGE_BLOCK_BYTES: Final = 256 * 1024


class WithBody(Protocol):
    """What of an `Exchange` is read here."""

    async def body(self, grow: Callable[[int], None]) -> bytes: ...


class BodyMemory:
    """What is held now; ``body_limit_bytes`` is the most that one body may have."""

    def __init__(self, body_limit_bytes: int) -> None:
        self._of_a_project = max(ALL_LARGE_BYTES * 3 // 4, body_limit_bytes)
        self._of_all = self._of_a_project * 4 // 3
        self._small = 0
        self._large = 0
        self._large_of = Counter[str]()
        self._free_s = float("-inf")

    def of(self, project: str) -> "HeldBody":
        """The body of one request of the project, held while it is entered."""
        return HeldBody(self, project)

    def let_go(self, project: str, size: int) -> None:
        """A body of the project is needed no more."""
        if size <= SMALL_BYTES:
            self._small -= size
        else:
            self._small -= SMALL_BYTES
            self._take_large(project, SMALL_BYTES - size)

    def grow(self, project: str, before: int, after: int) -> None:
        """A body of the project has grown. Raises BodiesTooLarge."""
        small = min(after, SMALL_BYTES) - min(before, SMALL_BYTES)
        large = after - before - small
        self._small += small
        self._take_large(project, large)
        if small and self._small > ALL_SMALL_BYTES:
            raise BodiesTooLarge(ALL_SMALL_BYTES)
        if large and self._large > self._of_all:
            raise BodiesTooLarge(self._of_all)
        if large and self._large_of[project] > self._of_a_project:
            raise BodiesTooLarge(self._of_a_project, project)

    def wait_s(self, size: int, now_s: float) -> float:
        """How long a body that has all come waits for its turn: only large ones do."""
        if size <= SMALL_BYTES:
            return 0.0
        turn_s = max(now_s, self._free_s)
        self._free_s = turn_s + size / _BYTES_A_SECOND
        return turn_s - now_s

    def _take_large(self, project: str, size: int) -> None:
        if size:
            self._large += size
            self._large_of[project] += size
            if not self._large_of[project]:
                del self._large_of[project]


class HeldBody:
    """One request's body; ``size`` is what has come of it, in bytes."""

    __slots__ = ("_memory", "_project", "size")

    def __init__(self, memory: BodyMemory, project: str) -> None:
        self._memory = memory
        self._project = project
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    async def read(
        self, exchange: WithBody, headers: Mapping[bytes, bytes], limit_bytes: int
    ) -> bytes:
        """All of it, counted as it comes, and given in its turn.

        Raises BodyTooLarge for more than ``limit_bytes``, as it came or unpacked, BodiesTooLarge,
        BodyCut, CodingUnknown or Garbled.
        """
        packed = headers.get(b"content-encoding")
        codings = codings_of(packed) if packed else ()
        stated = headers.get(b"content-length", b"0")
        if stated.isdigit() and int(stated[:20]) > limit_bytes:
            raise BodyTooLarge(limit_bytes)

        def grow(size: int) -> None:
            self.grow(size)
            if self.size > limit_bytes:
                raise BodyTooLarge(limit_bytes)

        body = await exchange.body(grow)
        if codings:
            self._let_go()
            body = await unpacked(body, codings, grow)
        if len(body) > SMALL_BYTES:
            wait_s = self._memory.wait_s(len(body), asyncio.get_running_loop().time())
            await asyncio.sleep(wait_s)
        return body

    def _let_go(self) -> None:
        self._memory.let_go(self._project, self.size)
        self.size = 0

    def grow(self, size: int) -> None:
        """So many bytes more have come. Raises BodiesTooLarge."""
        before, self.size = self.size, self.size + size
        self._memory.grow(self._project, before, self.size)


def give_back_large() -> None:
    """Let the C library give large blocks back to the system as soon as they are freed.

    glibc raises by itself, up to 32 MB, the size from which it does so, and then keeps the memory
    of a few large bodies for good. Elsewhere nothing needs to be done.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)

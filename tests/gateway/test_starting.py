"""How many requests begin in a turn of the event loop."""

import asyncio
import socket
from functools import partial

from quotadeck.gateway.connection.connections import Connections
from quotadeck.gateway.connection.exchange import Exchange
from quotadeck.gateway.connection.http1 import Http1Connection
from quotadeck.gateway.connection.http1_service import Service
from quotadeck.gateway.connection.starting import Starting


async def turns(count: int) -> list[int]:
    """How many of so many that came at once began by the end of each turn."""
    starting, begun = Starting(), list[int]()
    for number in range(count):
        starting.begin(partial(begun.append, number))
    seen = [len(begun)]
    while seen[-1] < count:
        await asyncio.sleep(0)
        seen.append(len(begun))
    assert begun == sorted(begun)
    return seen


async def test_a_few_begin_at_once() -> None:
    assert await turns(2) == [2]
    assert await turns(3) == [3]


async def test_of_many_half_begin_each_turn_and_three_at_least() -> None:
    assert await turns(16) == [3, 9, 12, 15, 16]


async def test_who_comes_while_others_wait_begins_behind_them() -> None:
    starting, begun = Starting(), list[str]()
    for name in "abcde":
        starting.begin(partial(begun.append, name))
    starting.begin(partial(begun.append, "late"))
    for _ in range(3):
        await asyncio.sleep(0)
    assert begun == ["a", "b", "c", "d", "e", "late"]


async def test_each_turn_has_room_anew() -> None:
    starting, begun = Starting(), list[int]()
    for turn in range(1, 4):
        for _ in range(3):
            starting.begin(partial(begun.append, 0))
        assert len(begun) == 3 * turn
        await asyncio.sleep(0)


async def test_who_is_gone_before_its_turn_is_not_begun() -> None:
    begun: list[str] = []

    async def handle(exchange: Exchange) -> None:
        begun.append(exchange.path)

    service = Service(handle, lambda _: (400, b"", b""), Connections("connections", 100))
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    faults: list[object] = []
    ahead: list[str] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    transport, connection = await loop.create_connection(
        lambda: Http1Connection(service), sock=ours
    )
    with theirs:
        for _ in range(20):
            service.starting.begin(ahead.clear)
        connection.data_received(b"GET /never HTTP/1.1\r\nhost: x\r\n\r\n")
        transport.abort()
        for _ in range(20):
            await asyncio.sleep(0)
    assert begun == []
    assert faults == []

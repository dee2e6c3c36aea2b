"""A reply on its way: paced, cut where it must be, and billed before its last byte leaves."""

import asyncio
from collections.abc import Callable, Iterator

from aiohttp import web

from quotadeck.sim.connection import ConnectionCutError, is_open, reset
from quotadeck.sim.pieces import Piece

Bill = Callable[[int, bool], None]
"""Takes the tokens generated and whether the reply was delivered; called exactly once."""

READ_BEFORE_RESET_S = 0.02
"""A reset throws away what the peer has not read yet; what came before it should arrive."""


async def send_whole(
    request: web.Request, response: web.Response, piece: Piece, bill: Bill
) -> None:
    """Prepare a reply in one piece: a provider bills it even if nobody is there to take it."""
    if piece.wait_s:
        await asyncio.sleep(piece.wait_s)
    bill(piece.tokens, is_open(request))
    response.body = piece.data


async def send_pieces(
    request: web.Request, response: web.StreamResponse, pieces: Iterator[Piece], bill: Bill
) -> None:
    """Send a reply piece by piece. Where the client cuts it, what was generated is billed."""
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    generated, billed = 0, False
    try:
        for piece in pieces:
            if piece.wait_s:
                due_s += piece.wait_s
                await asyncio.sleep(max(0.0, due_s - loop.time()))
            generated += piece.tokens
            if not response.prepared:
                await response.prepare(request)
            if piece.last:
                bill(generated, is_open(request))
                billed = True
            await response.write(piece.data)
        if not billed:
            bill(generated, False)
            billed = True
        await response.write_eof()
    except ConnectionCutError:
        await _cut(request, response)
    except ConnectionError:
        pass  # the client has gone
    finally:
        if not billed:
            bill(generated, False)


async def _cut(request: web.Request, response: web.StreamResponse) -> None:
    writer = await response.prepare(request)
    if writer is not None:
        writer.send_headers()
    await asyncio.sleep(READ_BEFORE_RESET_S)
    reset(request)

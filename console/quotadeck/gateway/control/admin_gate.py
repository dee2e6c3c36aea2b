"""In front of the admin API: who asks, and whether its account may ask now.

Who may not is told so before anything of the request is read. Such answers are paced, so that a
flood of requests is a queue of its own, and not a flood of answers.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextlib import AsyncExitStack, suppress
from time import thread_time_ns
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from quotadeck.domain.commands import Actor
from quotadeck.gateway.connection.peer import PEER_UID
from quotadeck.gateway.control.admin_accounts import Accounts
from quotadeck.gateway.control.admin_error import AdminRefusal, refusal_answer
from quotadeck.gateway.control.large import CHARGED
from quotadeck.gateway.control.shares import Shares

ACTOR: Final = "actor"
ACCOUNT: Final = "account"
"""Keys of ``scope["state"]`` under which an `Actor` and its `Account` stand."""

REQUEST_NS: Final = 150_000
"""What a request takes besides what is measured: its parsing, and the server's own work."""
STREAM_NS: Final = 10_000_000
"""What a stream takes: its first snapshot may be made for it alone, in another task."""
TURNED_AWAY_PER_S: Final = 200
_LONGEST_S: Final = 1.0
TURN_S: Final = 5.0
"""How long a request waits for others of its account: half of what our clients wait."""


class AdminGate:
    """An ASGI application around the admin API's."""

    def __init__(
        self,
        app: ASGIApp,
        prefix: str,
        accounts: Accounts,
        shares: Shares,
        turned_away: Callable[[str], None],
    ) -> None:
        """``turned_away`` is told the actor of a command that was not read."""
        self._app = app
        self._commands_path, self._stream_path = f"{prefix}commands", f"{prefix}stream"
        self._accounts = accounts
        self._shares = shares
        self._turned_away = turned_away
        self._next_s = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        uid = scope.get("state", {}).get(PEER_UID)
        if uid is None:
            await self._app(scope, receive, send)
            return
        actor = await self._accounts.of(uid)
        account = self._shares.of(uid, actor.role)
        account.spend(REQUEST_NS)
        refusal, commands = None, scope["path"] == self._commands_path
        if account.wait_ns:
            refusal = _too_much(actor, account.wait_ns)
        elif account.command_wait_ns and commands:
            refusal = _too_many(
                actor, account.command_wait_ns, account.share.refused.per_minute // 60
            )
        if refusal:
            if commands:
                self._turned_away(actor.name)
            await self._turn()
            await refusal_answer(refusal)(scope, receive, send)
            return
        scope["state"] |= {ACTOR: actor, ACCOUNT: account}
        account.under_way += 1
        CHARGED.set(account.spend)
        try:
            async with AsyncExitStack() as turn:
                if scope["path"] != self._stream_path:
                    # Who waits in vain may find no place either, and is told so.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(TURN_S):
                            await turn.enter_async_context(account.turn)
                await Measured(self._app(scope, receive, send), account.spend)
        finally:
            account.under_way -= 1

    async def _turn(self) -> None:
        now_s = asyncio.get_running_loop().time()
        turn_s = max(now_s, self._next_s)
        self._next_s = turn_s + 1 / TURNED_AWAY_PER_S
        await asyncio.sleep(min(_LONGEST_S, turn_s - now_s))


class Measured:
    """Awaits ``work``, and tells how much of the loop's processor time each of its steps took."""

    def __init__(self, work: Any, spend: Callable[[int], None]) -> None:
        self._work: Coroutine[Any, Any, None] = work
        self._spend = spend

    def __await__(self) -> Generator[Any, Any, None]:
        step, given = self._work.send, None
        while True:
            began_ns = thread_time_ns()
            try:
                awaited = step(given)
            except StopIteration:
                return
            finally:
                self._spend(thread_time_ns() - began_ns)
            try:
                step, given = self._work.send, (yield awaited)
            except BaseException as thrown:  # noqa: BLE001  (a cancellation too is the work's to see)
                step, given = self._work.throw, thrown


def _too_much(actor: Actor, wait_ns: int) -> AdminRefusal:
    wait_s = _whole_s(wait_ns)
    return _later(
        AdminRefusal(
            429,
            "too_many",
            "admin.over_share",
            actor=actor.name,
            role=actor.role.value,
            wait_s=wait_s,
        ),
        wait_s,
    )


def _too_many(actor: Actor, wait_ns: int, per_s: int) -> AdminRefusal:
    wait_s = _whole_s(wait_ns)
    return _later(
        AdminRefusal(
            429,
            "too_many",
            "admin.refused_too_fast",
            actor=actor.name,
            per_s=per_s,
            wait_s=wait_s,
        ),
        wait_s,
    )


def _later(refusal: AdminRefusal, wait_s: int) -> AdminRefusal:
    refusal.headers = {"retry-after": str(wait_s)}
    return refusal


def _whole_s(ns: int) -> int:
    return -(-ns // 1_000_000_000)

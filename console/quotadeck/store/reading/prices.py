"""What a call was priced by: of the file as it was when the call came."""

from typing import Any, Final

import orjson

from quotadeck.domain.calls import Call
from quotadeck.domain.price import Price, bound_nano, price_of
from quotadeck.store.reading.connection import ReadConnection

_THEN: Final = (
    "(SELECT seq FROM catalogues WHERE source_id = ?1 AND at_us <= ?2 ORDER BY at_us DESC LIMIT 1)"
)
_TARGET: Final = (
    "SELECT part.value FROM catalogues, json_each(CAST(body AS TEXT), '$.targets') AS part "  # noqa: S608 our own
    f"WHERE seq = {_THEN} AND part.key = ?3"
)
_ROUTE: Final = (
    "SELECT target.value FROM catalogues, json_each(CAST(body AS TEXT), '$.routes') AS route, "  # noqa: S608 our own
    "json_each(route.value, '$.targets') AS target "
    f"WHERE seq = {_THEN} AND route.key = ?3 ORDER BY target.key"
)


class Prices(ReadConnection):
    async def price(self, call: Call) -> Price | None:
        """What its target cost then; of a refused one, that by which it was found too dear.

        None where that is not on record: the version, or for a refused call the most that it might
        have cost, must be what its own record says.
        """
        if call.target:
            found = await self._of(call.target, call.at_us)
            return found if found and found.version == call.price_version else None
        most = call.held_nano_usd
        if not most or call.counted is not None:
            return None
        for (target,) in await self._rows(_ROUTE, (self.source, call.at_us, call.model)):
            one = await self._of(target, call.at_us)
            if one and bound_nano(one, call.estimated_input, call.estimated_output) == most:
                return one
        return None

    async def _of(self, target: str, at_us: int) -> Price | None:
        rows = await self._rows(_TARGET, (self.source, at_us, target))
        return _read(rows[0][0]) if rows else None


def _read(told: str) -> Price | None:
    try:
        target: Any = orjson.loads(told)
        return price_of(target["price"])
    except (LookupError, TypeError, ValueError):
        return None

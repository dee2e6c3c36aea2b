"""All that can be asked of a ledger, of one of its sources."""

from quotadeck.store.reading.calls import Calls
from quotadeck.store.reading.detail import Detail
from quotadeck.store.reading.effect import Effects
from quotadeck.store.reading.events import Events
from quotadeck.store.reading.log import Log
from quotadeck.store.reading.past import Past
from quotadeck.store.reading.prices import Prices
from quotadeck.store.reading.rollups import Rollups
from quotadeck.store.reading.routed import RoutedModels
from quotadeck.store.reading.search import Search
from quotadeck.store.reading.series import SeriesOf
from quotadeck.store.reading.spans import Spans
from quotadeck.store.reading.usual import Usuals


class Reader(
    Effects,
    Calls,
    Prices,
    Search,
    Rollups,
    RoutedModels,
    SeriesOf,
    Past,
    Spans,
    Events,
    Log,
    Detail,
    Usuals,
):
    """See `open`. Its methods raise StoreError where the ledger cannot be read."""

"""A simulated upstream and its traffic, for the demo, the tests and the benchmarks.

It shares no code with the rest of the product: its prices, its token rule and its log are its
own, so that a ledger which agrees with the log has been checked by somebody else. Run it as a
process (`python -m quotadeck.sim`); the one thing to import is the cast of the traffic, from
which the demo writes the gateway's configuration.
"""

from quotadeck.sim.characters import Character, cast

__all__ = ["Character", "cast"]

"""A simulated upstream and its traffic, for the demo, the tests and the benchmarks.

It shares no code with the rest of the product: its prices, its token rule and its log are its
own, so that a ledger which agrees with the log has been checked by somebody else. Run it as a
process (`python -m quotadeck.sim`); what there is to import are the scenes and their cast, from
which the demo writes the gateway's configuration.
"""

from quotadeck.sim.characters import Character, cast
from quotadeck.sim.scenes import SCENES, Revoke, Scene, Wrong

__all__ = ["SCENES", "Character", "Revoke", "Scene", "Wrong", "cast"]

"""Scenes of the demo: each a story of a few minutes with an end.

A scene is a row of `stories.py`; what it may say is in `scene.py`, and the traffic plays it. A new
one is a row more.
"""

from quotadeck.sim.scenes.scene import Revoke, Scene, Wrong
from quotadeck.sim.scenes.stories import SCENES

__all__ = ["SCENES", "Revoke", "Scene", "Wrong"]

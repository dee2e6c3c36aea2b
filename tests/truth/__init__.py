"""Scenes of the demo played by the real gateway, and every frame of them held to the ledger."""

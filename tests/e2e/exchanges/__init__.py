"""Exchanges as upstreams were seen to answer, of each kind some: what is right stands beside them.

`player.py` plays them before a real gateway; a file a kind holds the rows.
"""

"""Transports for the providers' official SDKs: each call is admitted, and settled by what it used.

They are given as ``http_client``. What they do is one, whichever library carries the bytes:
`course.py` has the way of a call, the other files what it needs to know, and `libraries.py` the
libraries' own classes.
"""

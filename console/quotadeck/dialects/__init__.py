"""The providers' protocols without any I/O: requests read, usage counted, streams framed and read.

One folder a dialect. The gateway forwards by them, and whoever embeds admission will.
"""

"""The words of the field as frozen values and pure functions. No I/O, no clock of its own.

The modules are the front doors here; each holds one idea and is imported by name.
"""

"""Translations between forms, a file or two a pair: a client speaks the one, an upstream the other.

Each is a `Translator`; `dialects.registry` has the table.
"""

"""Helpers for what goes wrong around a call: a small thing for each of the error cases.

Each file is one of them. They work without a manager, and import no SDK: they read what any SDK
raises or returns.
"""

"""Quotadeck: the on-call console, gateway and quota manager for LLM APIs."""

__version__ = "0.1.0"

"""Identifiers: UUIDv7 in hex (RFC 9562) behind a prefix that says what it names."""

from typing import Final

MAX_REQUEST_ID: Final = 256
"""Characters kept of a name that somebody else gave a request: its client, or its upstream."""


def new_id(prefix: str, at_us: int, entropy: bytes) -> str:
    """``req_0192…``: 48 bits of milliseconds, then 74 of the 80 bits of ``entropy`` (10 bytes)."""
    random = int.from_bytes(entropy[:10], "big")
    value = ((at_us // 1_000) & 0xFFFF_FFFF_FFFF) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"{prefix}_{value:032x}"


def least_id(prefix: str, at_us: int) -> str:
    """No id that `new_id` makes in this millisecond or later sorts before it, any earlier does."""
    return f"{prefix}_{max(0, at_us) // 1_000:012x}"


def made_at_us(identity: str) -> int | None:
    """The instant, to the millisecond, at which `new_id` made it; None where something else did."""
    digits = identity.rpartition("_")[2]
    if len(digits) != 32 or digits[12] != "7" or not all(c in "0123456789abcdef" for c in digits):
        return None
    return int(digits[:12], 16) * 1_000

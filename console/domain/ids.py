"""Identifiers: UUIDv7 in hex (RFC 9562) behind a prefix that says what it names."""


def new_id(prefix: str, at_us: int, entropy: bytes) -> str:
    """``req_0192…``: 48 bits of milliseconds, then 74 of the 80 bits of ``entropy`` (10 bytes)."""
    random = int.from_bytes(entropy[:10], "big")
    value = ((at_us // 1_000) & 0xFFFF_FFFF_FFFF) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"{prefix}_{value:032x}"

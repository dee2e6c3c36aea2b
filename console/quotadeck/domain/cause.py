"""Why a call was refused or failed; what it was stands in `quotadeck.domain.calls`."""

from enum import StrEnum
from typing import Final


class Cause(StrEnum):
    """Why a call was refused or failed."""

    NONE = ""
    RPM = "rpm"
    TPM = "tpm"
    CONCURRENCY = "concurrency"
    BUDGET = "budget"
    TARGET_RPM = "target_rpm"
    TARGET_TPM = "target_tpm"
    PAUSED = "paused"
    NEVER_FITS = "never_fits"
    """More than the model takes, or than a whole day's budget: no wait would help."""
    KEY_REVOKED = "key_revoked"
    """It came with a key of the project that was revoked, or ran out."""
    BAD_KEY = "bad_key"
    """No key came with it, or more than one, or what cannot be one."""
    UNKNOWN_KEY = "unknown_key"
    """Its key is none of ours, nor ever was as far as we know."""
    WRONG_PATH = "wrong_path"
    """Nothing is served there, or not with that method."""
    CROWDED = "crowded"
    """The gateway held as many requests, or as much of their bodies, as it holds at once."""
    UNRECORDED = "unrecorded"
    """The ledger could not be written, or not tell what was spent: nothing was forwarded."""
    DRAINING = "draining"
    """The gateway was going down and took no new requests."""
    INVALID = "invalid"
    """The request itself is wrong: its fields, its model, whom it says it is from."""
    UPSTREAM_429 = "upstream_429"
    UPSTREAM_AUTH = "upstream_auth"
    UPSTREAM_5XX = "upstream_5xx"
    UPSTREAM_4XX = "upstream_4xx"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    BROKEN_REPLY = "broken_reply"
    """Cut, not JSON, or without what the protocol promises."""
    CLIENT_GONE = "client_gone"
    RESTART = "restart"
    """The gateway went away while the call was under way."""
    INTERNAL = "internal"
    """A fault of the gateway's own; its log has it."""
    OTHER = "other"
    """One that only a newer version knows."""

    @classmethod
    def _missing_(cls, value: object) -> "Cause | None":
        return cls.OTHER if isinstance(value, str) else None


WAITED_OUT: Final = frozenset({Cause.CROWDED, Cause.DRAINING})
"""Refusals that a wait heals, beside those of the limits."""
WRONG: Final = frozenset({Cause.INVALID, Cause.NEVER_FITS})
"""Refusals of what the request itself is."""
NOT_THE_UPSTREAMS: Final = frozenset({Cause.CLIENT_GONE, Cause.RESTART, Cause.INTERNAL})
"""Ends that say nothing of the upstream."""

"""Why requests were refused or failed, in a few words for a list, and what would lift it."""

from quotadeck.domain.cause import Cause
from quotadeck.domain.notice import Notice
from quotadeck.domain.rules import bucket_of
from quotadeck.words import has, say, text
from quotadeck.words.figures import Instant


def cause_words(cause: str, binding: str = "", limit: int | None = None) -> str:
    """``its rpm 20 is taken``; of a target's bucket with the target."""
    kind = f"causes.{cause}" if has(f"causes.{cause}") else f"causes.{Cause.OTHER}"
    return text(kind, cause=cause, who=bucket_of(binding)[0].name, limit=limit)


def lifted_by(what: Notice, instant: Instant) -> str:
    """``would be lifted by rpm 20 → 42 …``."""
    return text("project.lifted_by", what=say(what, instant))

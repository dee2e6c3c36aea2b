"""The words that the simulated models speak: one token each.

Several are not ASCII, because a reply that never holds a multi-byte character hides the
mistakes of those who cut a stream in the middle of one.
"""

from math import gcd

WORDS = (
    "The", " quota", " of", " the", " team", " was", " reached", " at", " three", " in",
    " the", " night", ",", " so", " the", " batch", " waits", " until", " its", " bucket",
    " refills", ".", " A", " naïve", " retry", " would", " only", " add", " load", ";",
    " café", " orders", " →", " queue", ",", " then", " 要約", " を", " 返す", ".",
    " Each", " request", " costs", " tokens", ",", " and", " tokens", " cost", " money",
    " –", " about", " half", " a", " cent", " here", ".", " No", " résumé", " needed", ":",
    " the", " answer", " is", " short", " today", " 🙂", ".",
)  # fmt: skip


def pieces(start: int, stride: int, length: int) -> tuple[str, ...]:
    """`length` tokens, walking the list from `start` in steps that reach every word."""
    size = len(WORDS)
    step = next(s for s in range(stride % size or 1, 2 * size) if gcd(s, size) == 1)
    return tuple(WORDS[(start + step * index) % size] for index in range(length))

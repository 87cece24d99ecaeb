"""Fences: numbers of attempts. A higher fence is a later attempt, and every fence of a newer server is higher than any of an older one.

The high bits are the server's epoch (its own number), the low ones count its attempts.
"""

from __future__ import annotations

_ATTEMPT_BITS = 40


def first_fence(epoch: int) -> int:
    """The lowest fence of a server; each of its attempts gets the next higher one.

    Args:
        epoch: the server's number, higher than that of any earlier server.
    """
    return epoch << _ATTEMPT_BITS


def epoch_of(fence: int) -> int:
    """The epoch of the server that gave a fence out."""
    return fence >> _ATTEMPT_BITS

"""Waiting for what a server does: for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str | Callable[[], object], seconds: float = 300, step: float = 0.05) -> T:
    """The first value of ``condition`` that is true.

    Args:
        condition: is asked again and again.
        what: is waited for, or a function that says what is there instead: for the error.
        seconds: after which the test fails.
        step: seconds between two askings.

    Raises:
        AssertionError: it did not become true in time.
    """
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, f"not within {seconds:g} s: {what if isinstance(what, str) else what()}"
        time.sleep(step)
    return found

"""``Prefer`` (RFC 7240): how a client would like a request for a job to be answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_WAIT_SEC = 86400


@dataclass(frozen=True)
class Prefer:
    """How a request for a job is answered.

    Attributes:
        waits: whether the answer comes when the job has ended.
        timeout: seconds after which it comes anyway; None for no limit.
        asynchronous: whether a job that has not ended by then is answered with 202 and its path.
        applied: what ``Preference-Applied`` says; empty where nothing was preferred that is known.
    """

    waits: bool = False
    timeout: float | None = None
    asynchronous: bool = False
    applied: str = ""


def asked(preferences: str | None, *, wait: bool, timeout: float | None) -> Prefer:
    """What a request asks for: by its query where that says ``wait``, and otherwise by its preferences.

    Preferences that are unknown or malformed are passed over, as RFC 7240 wants it.

    Args:
        preferences: the ``Prefer`` header; several of them are joined by commas.
        wait: of the query.
        timeout: of the query.
    """
    if wait:
        return Prefer(waits=True, timeout=timeout)
    names: dict[str, str] = {}
    for part in (preferences or "").split(","):
        name, _, value = part.partition(";")[0].partition("=")
        names.setdefault(name.strip().lower(), value.strip().strip('"'))
    asynchronous = "respond-async" in names
    seconds = _seconds(names.get("wait", ""))
    applied: Sequence[str] = [
        *(["respond-async"] if asynchronous else []),
        *([f"wait={seconds}"] if seconds is not None else []),
    ]
    return Prefer(seconds is not None, seconds, asynchronous, ", ".join(applied))


def _seconds(text: str) -> int | None:
    return min(int(text), MAX_WAIT_SEC) if text.isascii() and text.isdecimal() and len(text) < 10 else None

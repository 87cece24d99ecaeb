"""Remembers CADs that kill renderers, so that they cannot do it again and again."""

from __future__ import annotations

import time

from serve_app.base.errors import ServiceError
from serve_app.base.logs import server_event
from serve_app.jobs.store import JobStore


class Quarantine:
    """CADs that are refused for a while.

    Args:
        store: keeps them over a restart.
        seconds: for how long.
    """

    def __init__(self, store: JobStore, seconds: float) -> None:
        self._store, self._seconds = store, seconds
        self._until: dict[str, tuple[float, str]] = {}

    async def load(self) -> None:
        """Read what earlier servers have stored."""
        stored = await self._store.quarantined()
        now = time.monotonic()
        for sha256, (left, reason) in stored.items():
            # No longer than the setting, whatever was done to the clock meanwhile.
            self._until[sha256] = (now + min(left, self._seconds), reason)

    async def add(self, cad_sha256: str, reason: str) -> None:
        """Refuse a CAD from now on."""
        if not self._seconds:
            return
        self._until[cad_sha256] = (time.monotonic() + self._seconds, reason)
        server_event("warning", "CAD is quarantined", sha256=cad_sha256, seconds=self._seconds, reason=reason)
        await self._store.quarantine(cad_sha256, self._seconds, reason)

    @property
    def empty(self) -> bool:
        """Whether no CAD is refused: nobody needs to compute a hash then."""
        now = time.monotonic()
        # Of a copy: this is asked in threads.
        return all(until <= now for until, _ in list(self._until.values()))

    def check(self, cad_sha256: str) -> None:
        """Refuse a CAD that is quarantined.

        Raises:
            ServiceError: ``cad_quarantined``.
        """
        until, reason = self._until.get(cad_sha256, (0.0, ""))
        left = until - time.monotonic()
        if left <= 0:
            self._until.pop(cad_sha256, None)
            return
        raise ServiceError(
            "cad_quarantined",
            f"this CAD (SHA-256 {cad_sha256[:12]}...) is refused for another {left / 60:.0f} min, because {reason}; simplify or repair it "
            "(a changed file is tried at once), or have the operator set RENDER_QUARANTINE_SEC",
            "cad_path",
            retry_after_sec=int(left) + 1,
        )

"""The room that all uploads share."""

from __future__ import annotations

import threading
from pathlib import Path

from serve_app.base.disk import free_bytes
from serve_app.base.errors import ServiceError
from serve_app.uploads.limits import UploadLimits
from serve_app.uploads.refusals import FIELD


class Room:
    """Counts the bytes of all uploads, those that are being received included. May be used by several threads.

    Args:
        folder: of the uploads.
        limits: how many they may be, and what must stay free on the disk.
    """

    def __init__(self, folder: Path, limits: UploadLimits) -> None:
        self._folder, self._limits, self._lock = folder, limits, threading.Lock()
        self.used = 0

    def take(self, count: int) -> None:
        """Take room for some bytes.

        Raises:
            ServiceError: ``storage_full``.
        """
        with self._lock:
            if self.used + count > self._limits.kept_bytes:
                raise _full(f"the uploads that are kept have no room left of {self._limits.kept_bytes} bytes (RENDER_UPLOADS_MAX_BYTES)")
            self.used += count
        if self._limits.spare_bytes and free_bytes(self._folder) - count < self._limits.spare_bytes:
            self.give(count)
            raise _full(f"the server's data folder has less than {self._limits.spare_bytes} bytes free (RENDER_MIN_FREE_BYTES)")

    def give(self, count: int) -> None:
        """Give room back."""
        with self._lock:
            self.used -= count

    def hold(self, count: int) -> None:
        """Count what is there already, whatever the limit says."""
        with self._lock:
            self.used += count


def _full(reason: str) -> ServiceError:
    detail = f"{reason}; send it again later, DELETE uploads of yours that are done with, or have the operator make room"
    return ServiceError("storage_full", detail, FIELD, retry_after_sec=60)

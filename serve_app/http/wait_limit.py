"""Bounds how many requests wait for their job, each in one of the ingress's places, so that others always find one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from serve_app.base.errors import ServiceError

_RETRY_SEC = 10


class WaitLimit:
    """The requests that are answered when their job has ended.

    Args:
        max_waiting: how many there may be at once.
    """

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting, self._waiting = max_waiting, 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Count a request in for the length of the ``with``.

        Raises:
            ServiceError: ``too_many_waiting``, with when to try again.
        """
        if self._waiting >= self._max_waiting:
            raise ServiceError(
                "too_many_waiting",
                f"{self._waiting} requests wait for their job already (RENDER_MAX_WAITING_REQUESTS is {self._max_waiting}); try again in "
                f"{_RETRY_SEC} s, or POST /render/templates without wait and follow GET /jobs/<job_id>",
                retry_after_sec=_RETRY_SEC,
            )
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

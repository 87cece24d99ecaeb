"""A file of the server's, fetched in as many pieces as the connection needs."""

from __future__ import annotations

from typing import IO, Any

import httpx

from render_server_client.errors import NoServerError, RefusedError
from render_server_client.wire import Backoff, Session


class Fetch:
    """Takes a file in; goes on where it broke off, as long as it is the same file.

    Args:
        session: with the server.
        path: of the file.
        target: takes it; must be empty.

    Attributes:
        complete: whether all of it is there.
    """

    def __init__(self, session: Session, path: str, target: IO[bytes]) -> None:
        self._session, self._path, self._target = session, path, target
        self._etag, self._got, self._length = "", 0, -1
        self._backoff: Backoff | None = None
        self.complete = False

    @property
    def request(self) -> dict[str, Any]:
        """What httpx's ``stream`` takes."""
        # What is counted and resumed are the bytes of the file, not of some encoding of it.
        headers = {"Accept-Encoding": "identity"}
        if self._got and self._etag:
            headers |= {"Range": f"bytes={self._got}-", "If-Range": self._etag}
        return {"method": "GET", "url": self._path, "headers": headers, "timeout": 60.0}

    def begin(self, response: httpx.Response) -> None:
        """An answer has begun. One that is an error must have been read.

        Raises:
            RefusedError: the server refuses it.
        """
        if response.is_error:
            raise RefusedError(response)
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            self._target.seek(0)
            self._target.truncate()
            self._got = 0
        self._etag = response.headers.get("ETag", "")
        left = response.headers.get("Content-Length", "")
        self._length = self._got + int(left) if left.isdecimal() else -1

    def take(self, block: bytes) -> None:
        """The next bytes."""
        self._target.write(block)
        self._got += len(block)
        self._backoff = None

    def end(self) -> None:
        """The answer has ended without an error: HTTP has counted its bytes."""
        self.complete = self._length < 0 or self._got >= self._length

    def pause_after(self, failure: httpx.TransportError | RefusedError) -> float:
        """Seconds until the next try.

        Raises:
            NoServerError: the server has been silent for too long.
            RefusedError: it refuses, for too long or for good.
        """
        if isinstance(failure, RefusedError) and not failure.passing:
            raise failure
        self._backoff = self._backoff or self._session.backoff()
        pause = self._backoff.next(failure.retry_after_sec if isinstance(failure, RefusedError) else None)
        if pause is not None:
            return pause
        raise failure if isinstance(failure, RefusedError) else NoServerError(self._session.url, failure)

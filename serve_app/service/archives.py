"""All files of a job as one zip file, read while it is sent."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import aclosing
from typing import NamedTuple

from serve_app.base.aio import to_thread_to_end
from serve_app.service.open_results import OpenFolder, OpenResults
from serve_app.service.published import gone
from serve_app.templates.archive import StoredArchive

_KNOWN = 256
"""Archives whose files' sums are remembered."""


class ArchiveFacts(NamedTuple):
    """What is known of an archive before it is read.

    Attributes:
        length: bytes.
        etag: tells it from any other.
    """

    length: int
    etag: str


class JobArchives:
    """The archives of jobs.

    Args:
        results: of the jobs.
    """

    def __init__(self, results: OpenResults) -> None:
        self._results = results
        self._lock = threading.Lock()
        self._sums: OrderedDict[str, dict[int, int]] = OrderedDict()

    async def _archive(self, opened: OpenFolder) -> tuple[StoredArchive, str]:
        return await to_thread_to_end(opened.folder.archive, opened.views.contents, self._sums_of)

    def _sums_of(self, etag: str) -> dict[int, int]:
        """CRC-32 of the files of an archive, as far as they are known: a client that takes it in parts has each file read once for them."""
        with self._lock:
            sums = self._sums.pop(etag, {})
            self._sums[etag] = sums
            while len(self._sums) > _KNOWN:
                self._sums.popitem(last=False)
            return sums

    async def facts(self, job_id: str) -> ArchiveFacts:
        """What a job's archive is.

        Raises:
            ServiceError: ``job_not_found``, ``job_not_finished``, ``no_results`` or ``results_gone``.
        """
        async with self._results.published(job_id) as opened:
            archive, etag = await self._archive(opened)
            return ArchiveFacts(archive.length, etag)

    async def chunks(self, job_id: str, etag: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes of a job's archive from ``start`` up to ``stop``. The folder is held open meanwhile, and no longer.

        Args:
            job_id: of the job.
            etag: of the archive whose bytes these are.
            start: first byte.
            stop: the byte after the last one.

        Raises:
            ServiceError: as ``facts``; or ``results_gone``, it has become another one.
            ChangedArchiveError: a file has changed while it was read; what came before is worth nothing.
        """
        async with self._results.published(job_id) as opened:
            archive, now = await self._archive(opened)
            if now != etag:
                raise gone(job_id)
            async with aclosing(_in_threads(archive.chunks(start, stop))) as chunks:
                async for chunk in chunks:
                    yield chunk


async def _in_threads(chunks: Generator[bytes, None, None]) -> AsyncGenerator[bytes, None]:
    """What reads a disk, off the event loop; whoever ends it waits for the read that goes on."""
    try:
        while (chunk := await to_thread_to_end(next, chunks, None)) is not None:
            yield chunk
    finally:
        chunks.close()

"""The uploads that are kept: found by id, removed when nobody has used them for long."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from serve_app.base import metrics
from serve_app.base.aio import to_thread_to_end
from serve_app.base.errors import ServiceError
from serve_app.base.logs import server_event
from serve_app.base.settings import Settings
from serve_app.base.tidying import keep_tidy
from serve_app.uploads.incoming import FILES, RECEIVING, RECORD, Incoming
from serve_app.uploads.kinds import POSES, suffix_of
from serve_app.uploads.limits import UploadLimits
from serve_app.uploads.refusals import FIELD, POSES_FIELD, quoted
from serve_app.uploads.room import Room
from serve_app.uploads.tombstones import Tombstones
from serve_app.uploads.upload import Upload

KEPT_AT_LEAST_SEC = 3600.0
"""An upload that was used since then does not go for lack of room."""

MAX_UPLOADS = 20_000
"""Uploads that are kept, however small."""

_EVERY_SEC = 30.0
_DOOMED = ".doomed-"


class UploadStore:
    """Uploads by id. Only the one server that has locked the data folder uses it; all but ``file`` on the event loop.

    Args:
        folder: of the uploads; made if it is not there.
        limits: of them.
        in_use: whether a job that has not ended needs an upload, by its id.

    Attributes:
        also_sweep: removes what has expired of uploads that are not whole; set by who receives them, and so is ``incomplete``.
        incomplete: whether an id is that of an upload that is not whole.
    """

    def __init__(self, folder: Path, limits: UploadLimits, in_use: Callable[[str], bool]) -> None:
        self.folder = self._folder = folder.resolve()
        self.limits, self._in_use = limits, in_use
        self.incomplete: Callable[[str], bool] = lambda upload_id: False
        self.also_sweep: Callable[[], Awaitable[None]] | None = None
        self._uploads: dict[str, Upload] = {}
        self.room = Room(self._folder, limits)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._gone = Tombstones(self._folder / ".gone")
        self._take_stock()

    @classmethod
    def of_server(cls, settings: Settings, in_use: Callable[[str], bool]) -> UploadStore:
        """Where ``RENDER_DATA_DIR`` and ``RENDER_UPLOADS_*`` say."""
        return cls(settings.uploads_dir, UploadLimits.from_settings(settings), in_use)

    def __len__(self) -> int:
        return len(self._uploads)

    def _take_stock(self) -> None:
        for path in sorted(self._folder.iterdir()):
            if path.name.startswith((RECEIVING, _DOOMED)):
                shutil.rmtree(path, ignore_errors=True)
                continue
            if path.name.startswith("."):
                continue
            try:
                record = path / RECORD
                upload = Upload.from_json(path.name, record.read_text(), record.stat().st_mtime)
            except (OSError, ValueError, KeyError, TypeError) as error:
                server_event(
                    "warning", "the folder of uploads holds something that is no upload; it stays", path=str(path), cause=str(error)
                )
                continue
            self._uploads[path.name] = upload
            self.room.hold(upload.bytes)

    def expires_at(self, upload: Upload) -> float:
        """Unix seconds after which an upload that is not used is removed."""
        return upload.used_at + self.limits.ttl_sec

    def find(self, upload_id: str, *, known: bool = False) -> Upload:
        """An upload; to look at it does not keep it any longer.

        Args:
            upload_id: of it.
            known: whether there was one of this id, for the message.

        Raises:
            ServiceError: ``upload_not_found``, ``upload_expired`` or ``upload_incomplete``.
        """
        upload = self._uploads.get(upload_id)
        if upload is not None and (self.expires_at(upload) > time.time() or self._in_use(upload_id)):
            return upload
        if upload is not None or known or upload_id in self._gone:
            raise ServiceError("upload_expired", f"the upload {quoted(upload_id)} is not kept any more; send its files again", "upload_id")
        if self.incomplete(upload_id):
            raise ServiceError(
                "upload_incomplete", f"the upload {quoted(upload_id)} is not whole yet; send the rest of it first", "upload_id"
            )
        raise ServiceError("upload_not_found", f"there is no upload {quoted(upload_id)}; POST /api/v1/uploads makes one", "upload_id")

    def file(self, upload_id: str, cad: str | None) -> tuple[Path, str]:
        """A CAD of an upload, which is kept for its time from now on.

        Args:
            upload_id: of the upload.
            cad: name of the CAD; None where there is one alone.

        Returns:
            Its path, links resolved, and its name.

        Raises:
            ServiceError: as ``find``; or ``cad_not_found``: there is none of that name, or more than one.
        """
        upload = self.find(upload_id)
        some = ", ".join(map(quoted, upload.cads[:20])) + (" and more" if len(upload.cads) > 20 else "")
        if cad is None and len(upload.cads) > 1:
            raise ServiceError("cad_not_found", f"the upload holds {len(upload.cads)} CADs ({some}); say which in `cad`", "cad")
        if cad is not None and cad not in upload.cads:
            raise ServiceError("cad_not_found", f"the upload holds no CAD {quoted(cad)}; it holds {some}", "cad")
        name = cad or upload.cads[0]
        self._touch(upload)
        return self._folder / upload_id / FILES / name, name

    def poses_file(self, upload_id: str, name: str) -> Path:
        """A list of cameras of an upload.

        Args:
            upload_id: of the upload.
            name: of the file.

        Raises:
            ServiceError: as ``find``; ``poses_invalid``: it is no .npy file; ``not_found``: there is none of that name.
        """
        upload = self.find(upload_id)
        if suffix_of(name) != POSES:
            raise ServiceError("poses_invalid", f"{quoted(name)} is not an .npy file of N x 4 x 4 camera poses", POSES_FIELD)
        if name not in (file.name for file in upload.files):
            lists = ", ".join(quoted(file.name) for file in upload.files if suffix_of(file.name) == POSES) or "none"
            detail = f"the upload holds no camera poses file {quoted(name)}; of such files it holds {lists}"
            raise ServiceError("not_found", detail, POSES_FIELD)
        return self._folder / upload_id / FILES / name

    def _touch(self, upload: Upload) -> None:
        upload.used_at, upload.taken = time.time(), True
        try:
            os.utime(self._folder / upload.upload_id / RECORD)
        except OSError as error:  # It is kept as long as this server runs.
            server_event("warning", "the use of an upload cannot be noted", upload_id=upload.upload_id, cause=str(error))

    def receive(self) -> Incoming:
        """Begin a new upload; waits for the disk.

        Raises:
            ServiceError: ``storage_full``.
        """
        if len(self._uploads) >= MAX_UPLOADS:
            detail = f"{MAX_UPLOADS} uploads are kept, and each was used within the hour; DELETE those that are done with, or wait"
            raise ServiceError("storage_full", detail, FIELD, retry_after_sec=60)
        return Incoming(self._folder, self.limits, self.room)

    async def take_file(self, upload_id: str, name: str, content: AsyncIterator[bytes]) -> Upload:
        """Make an upload of one file, or of an archive; errors as of ``Incoming``."""
        incoming = await asyncio.to_thread(Incoming, self._folder, self.limits, self.room, upload_id)
        try:
            await to_thread_to_end(incoming.begin, name)
            async for chunk in content:
                await to_thread_to_end(incoming.write, chunk)
            await to_thread_to_end(incoming.end)
            upload = await to_thread_to_end(incoming.finish)
        except BaseException:
            await to_thread_to_end(incoming.discard)
            raise
        self.add(upload)
        return upload

    def tell_gone(self, upload_id: str) -> None:
        """Remember that there was an upload of this id."""
        self._gone.add(upload_id)

    def add(self, upload: Upload) -> None:
        """Take an upload in that is finished."""
        self._uploads[upload.upload_id] = upload
        metrics.UPLOADS_RECEIVED.add(1)
        metrics.UPLOADS_RECEIVED_BYTES.add(upload.bytes)

    async def make_room(self, count: int) -> None:
        """Remove the uploads that were used longest ago until there is room for some bytes, or none is left that may go."""
        used_before = time.time() - KEPT_AT_LEAST_SEC
        for upload in sorted(self._uploads.values(), key=lambda upload: upload.used_at):
            fits = self.room.used + count <= self.limits.kept_bytes and len(self._uploads) < MAX_UPLOADS
            if fits or upload.used_at > used_before:
                break
            if not self._in_use(upload.upload_id):
                await self._remove(upload)
                metrics.REMOVED.add(1, "upload", "room")

    async def forget_unused(self, upload: Upload) -> None:
        """Remove an upload that no request has used yet."""
        if not upload.taken and upload.upload_id in self._uploads:
            await self._remove(upload, told=False)

    async def remove(self, upload_id: str) -> None:
        """Remove an upload for a client.

        Raises:
            ServiceError: as ``find``; or ``upload_in_use``: a job needs it.
        """
        upload = self.find(upload_id)
        if self._in_use(upload_id):
            detail = f"a job that has not ended needs the upload {quoted(upload_id)}; cancel the job, or wait for it"
            raise ServiceError("upload_in_use", detail, "upload_id", retry_after_sec=10)
        await self._remove(upload)

    async def _remove(self, upload: Upload, *, told: bool = True) -> None:
        del self._uploads[upload.upload_id]
        if told:
            self._gone.add(upload.upload_id)
        await asyncio.to_thread(self._erase, upload)

    def _erase(self, upload: Upload) -> None:
        folder = self._folder / upload.upload_id
        doomed = folder.with_name(f"{_DOOMED}{upload.upload_id}")
        try:
            folder.rename(doomed)
            shutil.rmtree(doomed)
        except OSError as error:
            server_event("warning", "an upload could not be removed whole", upload_id=upload.upload_id, cause=str(error))
        self.room.give(upload.bytes)

    async def keep_tidy(self) -> None:
        """Remove what has expired, again and again, for as long as the server runs."""
        await keep_tidy(self.sweep, _EVERY_SEC, "old uploads could not be removed")

    async def sweep(self) -> None:
        """Remove what has expired; never what a job needs that has not ended."""
        now = time.time()
        expired = [upload for upload in self._uploads.values() if self.expires_at(upload) <= now and not self._in_use(upload.upload_id)]
        for upload in expired:
            await self._remove(upload)
            metrics.REMOVED.add(1, "upload", "expired")
        if expired:
            server_event("info", "uploads have expired", uploads=len(expired), bytes=sum(upload.bytes for upload in expired))
        if self.also_sweep is not None:
            await self.also_sweep()
        await asyncio.to_thread(self._gone.sweep)

"""The folder of a job that a renderer writes its files into."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from contextlib import suppress

from render_actor.contract.sink import PROBE
from render_actor.contract.types import Sink

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class SinkFolder:
    """A sink, held open.

    Others may change the path to it at every moment. So it is told by its probe file, and from then on everything is done relative to the
    open folder: no link is followed, nothing that is there is written to, and once the service has removed the folder nothing can come
    into it any more.

    Args:
        sink: says where it is.

    Raises:
        OSError: it is not there, cannot be entered, or is another folder.
    """

    def __init__(self, sink: Sink) -> None:
        self._descriptor = os.open(sink.folder, _FOLDER)
        try:
            self._owner = self._owner_by_probe(sink.nonce)
        except BaseException:
            self.close()
            raise

    def _owner_by_probe(self, nonce: str) -> int:
        """The user id that the service's files have here; an error where the probe is not the service's."""
        descriptor = os.open(PROBE, _READ, dir_fd=self._descriptor)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or os.read(descriptor, len(nonce) + 1) != nonce.encode():
                raise OSError(errno.ENOENT, "another folder lies in the sink's place")
            return status.st_uid
        finally:
            os.close(descriptor)

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files, none of which may be there; they are on disk when this returns.

        Args:
            files: content by name.

        Raises:
            OSError: one cannot be written; none of them is left.
        """
        opened: dict[str, int] = {}
        try:
            for name, data in files.items():
                opened[name] = self._create(name)
                view = memoryview(data)
                while view:
                    view = view[os.write(opened[name], view) :]
            for descriptor in opened.values():  # All at the end: the disk has begun with the first ones by then.
                os.fsync(descriptor)
        except BaseException:
            for name in opened:
                with suppress(OSError):
                    os.unlink(name, dir_fd=self._descriptor)
            raise
        finally:
            for descriptor in opened.values():
                os.close(descriptor)

    def _create(self, name: str) -> int:
        descriptor = os.open(name, _CREATE, 0o666, dir_fd=self._descriptor)
        if os.fstat(descriptor).st_uid != self._owner:
            os.close(descriptor)
            with suppress(OSError):
                os.unlink(name, dir_fd=self._descriptor)
            raise OSError(errno.EPERM, "the renderer's files would belong to another user than the service's")
        return descriptor

    def close(self) -> None:
        """Hold it no longer; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

"""Files in memory, for native code that converts a file to a file.

The process that reads a CAD may write to no file system. What it may write is memory: a ``memfd`` has no place in a
file system, and ``/proc/self/fd/N`` names it to native code that opens files by name. (To Python code the audit hook
refuses that.) To limits it is a file all the same: it holds at most RLIMIT_FSIZE bytes. It is gone with the process.

What such code cannot have is a file *beside* its output (``NAME.tmp``). OpenCASCADE's GLB writer wants one, so use
``cascadio.load(data, ...)``, which takes and gives bytes and hands it a memfd of its own for that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


class ScratchFile:
    """A file in memory.

    Args:
        handle: descriptor of a memfd.

    Attributes:
        path: names it to this process, and to no other.
    """

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self.path = f"/proc/self/fd/{handle}"

    def read(self) -> bytes:
        """All that was written to it."""
        with open(self._handle, "rb", closefd=False) as file:
            file.seek(0)
            return file.read()


@contextmanager
def scratch_file(data: bytes = b"") -> Iterator[ScratchFile]:
    """A file that native code may open by ``path`` to read or to write.

    Args:
        data: its content at first.

    Raises:
        OSError: ``data`` has more bytes than this process may write.
    """
    handle = os.memfd_create("scratch", os.MFD_CLOEXEC)
    try:
        with open(handle, "wb", closefd=False) as file:
            file.write(data)
        yield ScratchFile(handle)
    finally:
        os.close(handle)

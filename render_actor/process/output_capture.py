"""Catches what Blender prints from C, which Python's ``sys.stdout`` never sees."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

_PROGRESS = ("Fra:", "Saved: ", "Time: ", " Time: ")
"""How the lines begin that Blender prints for every render."""

_MAX_BYTES = 64 * 1024


class CapturedOutput:
    """Text written to file descriptors 1 and 2 during ``captured_output``."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.text = ""

    def read(self) -> None:
        """Set ``text`` to the last 64 KiB of what was written, without Blender's progress lines."""
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(max(0, size - _MAX_BYTES))
        lines = self._file.read().decode(errors="replace").splitlines()
        self.text = "\n".join(line for line in lines if line.strip() and not line.startswith(_PROGRESS))


@contextmanager
def captured_output() -> Iterator[CapturedOutput]:
    """Redirect file descriptors 1 and 2 to a temporary file; ``text`` is filled when the block ends."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as file:
        capture = CapturedOutput(file)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield capture
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, original in zip((1, 2), kept, strict=True):
                os.dup2(original, number)
                os.close(original)
            capture.read()

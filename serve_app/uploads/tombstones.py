"""Remembers for a while which uploads there were, to tell one that has gone from one that never was."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

_KEPT_SEC = 30 * 86400.0
_MAX = 100_000


class Tombstones:
    """Ids of what is gone: an empty file each.

    Args:
        folder: of them; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True, mode=0o700)
        self._since = {path.name: path.stat().st_mtime for path in folder.iterdir()}

    def __contains__(self, name: str) -> bool:
        return name in self._since

    def add(self, name: str) -> None:
        """Remember one. A disk that cannot be written only makes it a stranger after a restart."""
        self._since[name] = time.time()
        with suppress(OSError):
            (self._folder / name).touch()

    def sweep(self) -> None:
        """Forget those that are old, or too many."""
        ordered = sorted(self._since.items(), key=lambda item: item[1])
        for number, (name, since) in enumerate(ordered):
            if since > time.time() - _KEPT_SEC and len(ordered) - number <= _MAX:
                break
            del self._since[name]
            with suppress(OSError):
                (self._folder / name).unlink()

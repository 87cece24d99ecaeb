"""What this process holds open."""

from __future__ import annotations

import contextlib
from pathlib import Path


def open_below(folder: Path) -> list[str]:
    """Files and folders below a folder that are open, sorted; also those that are removed by now.

    Not everything that is open is counted: an event loop of an earlier test is closed whenever Python clears it away.
    """
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # The one that this very list is read by.
            found.append(str(descriptor.readlink()))
    return sorted(path for path in found if path.startswith(str(folder)))

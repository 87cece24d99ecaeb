"""What a hostile neighbour works on, and the audit of what must not come of it."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.disks.neighbour import LETTER
from tests.faults.fault_server import ROOT
from tests.unit.serve_app.templates_made import template


class Place:
    """An output root, and a folder outside it that nobody but its owner may touch.

    Args:
        root: made, with the folder that the target lies in.
        outside: made, with files in it.
    """

    def __init__(self, root: Path, outside: Path) -> None:
        self.root, self.outside = root, outside
        (self.root / "out").mkdir(parents=True)
        (self.outside / "templates").mkdir(parents=True)
        (self.outside / "victim.png").write_bytes(template("rgb_0.png", 7))
        (self.outside / "templates" / "rgb_0.png").write_bytes(template("rgb_0.png", 8))
        self.remember()

    def remember(self) -> None:
        """Take what lies outside now for what must lie there in the end."""
        self._outside = self.snapshot()

    def snapshot(self) -> dict[str, tuple[object, ...]]:
        """Everything outside the root: kind, permissions, owner and content of each entry."""
        found: dict[str, tuple[object, ...]] = {}
        for path in self.outside.rglob("*"):
            status = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(status.st_mode) else path.readlink() if path.is_symlink() else None
            found[str(path)] = (status.st_mode, status.st_uid, status.st_gid, content)
        return found

    @contextmanager
    def neighbour(self, kinds: str, pause_sec: float = 0) -> Iterator[dict[str, Any]]:
        """Somebody at work; what they say is there afterwards."""
        said: dict[str, Any] = {}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.disks.neighbour", kinds, self.root, self.outside, str(pause_sec)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        try:
            yield said
        finally:
            output, _ = process.communicate()
            said.update(json.loads(output))

    def audit(self, letters: list[str]) -> None:
        """Nothing outside was touched, and nothing of others is lost."""
        assert self.snapshot() == self._outside
        there = {path.name for path in self.root.rglob(f"{LETTER}-*")}
        lost = {name for name in letters if name.startswith(LETTER)} - there
        assert not lost, f"{len(lost)} of {len(letters)} files of others are lost: {sorted(lost)[:3]}"

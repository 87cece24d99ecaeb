"""Somebody who may write in the output folders: ``python -m tests.faults.disks.neighbour KINDS ROOT OUTSIDE PAUSE``.

Does some kinds of mischief in ROOT again and again, until its standard input ends, and prints how often it came to it and the names of the
files that it left there and wants to find again.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

LETTER = "letter"


class Neighbour:
    """One who works on ``root/out``, where the target ``templates`` lies.

    Args:
        root: an output root.
        outside: a folder that no server may touch.
    """

    def __init__(self, root: Path, outside: Path) -> None:
        self.root, self.outside, self.out, self.target = root, outside, root / "out", root / "out" / "templates"
        self.done, self.letters = 0, list[str]()
        self._numbers = itertools.count()

    def _unused(self, name: str) -> Path:
        return self.root / f"{name}-{next(self._numbers)}"

    def _staging(self) -> Iterator[Path]:
        with suppress(OSError):
            for entry in os.scandir(self.out):
                if entry.name.endswith((".partial", ".arrivals")) and entry.is_dir(follow_symlinks=False):
                    yield Path(entry)

    def swap_the_parent(self) -> None:
        """A link in place of the folder that the target lies in; moved back a moment later."""
        aside = self._unused("aside")
        self.out.rename(aside)
        try:
            self.out.symlink_to(self.outside)
            self.done += 1
        finally:
            self.out.unlink(missing_ok=True)
            aside.rename(self.out)

    def swap_the_staging_folder(self) -> None:
        """A link, or a folder of one's own, in its place, and in that of the folder that renderers write into."""
        for folder in self._staging():
            folder.rename(self._unused("moved"))
            if self.done % 2:
                folder.symlink_to(self.outside)
            else:
                folder.mkdir()
            self.done += 1

    def link_in_the_staging_folder(self) -> None:
        """Links, one of them hard, where files are going to be written."""
        for folder in self._staging():
            (folder / "rgb_0.png").symlink_to(self.outside / "victim.png")
            self.done += 1
            os.link(self.outside / "victim.png", folder / "mask_0.png")

    def swap_the_target(self) -> None:
        """A link, a file or nothing in its place."""
        self.target.rename(self._unused("old-target"))
        if self.done % 3 == 0:
            self.target.symlink_to(self.outside)
        elif self.done % 3 == 1:
            self.target.write_text("a file")
            self.letters.append("a file")
        self.done += 1
        if self.done % 3 != 0:
            self.target.unlink(missing_ok=True)

    def leave_letters(self) -> None:
        """A file of one's own in the target at any moment, by way of the folder held open; taken away again a moment later."""
        name = f"{LETTER}-{os.getpid()}-{next(self._numbers)}"
        folder = os.open(self.target, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            time.sleep(random.random() * 0.002)
            file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=folder)
        finally:
            os.close(folder)
        self.letters.append(name)
        os.write(file, name.encode())
        os.close(file)
        self.done += 1
        time.sleep(random.random() * 0.002)
        for path in self.target.glob(f"{LETTER}-*"):
            path.rename(self.root / "kept" / path.name)

    def hard_link_a_template(self) -> None:
        """A file of one's own, linked into the target under a template's name."""
        folder = os.open(self.target, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            os.link(self.outside / "victim.png", "rgb_1.png", dst_dir_fd=folder)
            self.done += 1
        finally:
            os.close(folder)

    def swap_the_cad(self) -> None:
        """A link to a CAD that no request may read, a pipe, half of the file, or another one, in place of ``root/cad.ply``."""
        cad, good, new = self.root / "cad.ply", (self.root / "good.ply").read_bytes(), self.root / "new.ply"
        new.unlink(missing_ok=True)
        way = self.done % 5
        if way == 0:
            new.symlink_to(self.outside / "secret.ply")
        elif way == 1:
            os.mkfifo(new)
        elif way == 2:
            new.write_bytes(good[: len(good) // 2])
        else:
            new.write_bytes(good)
        new.rename(cad)
        if way == 4:  # Under the eyes of whoever reads it.
            cad.write_bytes(good[: len(good) // 3])
            cad.write_bytes(good)
        self.done += 1

    def remove_the_parent(self) -> None:
        """The folders above, moved away for good, and made anew."""
        self.out.rename(self._unused("gone"))
        self.out.mkdir()
        self.done += 1


KINDS = (
    "swap_the_parent",
    "swap_the_staging_folder",
    "link_in_the_staging_folder",
    "swap_the_target",
    "leave_letters",
    "hard_link_a_template",
    "remove_the_parent",
)
"""Of outputs; ``swap_the_cad`` is the one of inputs."""


def main(kinds: str, root: str, outside: str, pause_sec: str) -> None:
    """Work until standard input ends, with pauses of up to some seconds."""
    neighbour = Neighbour(Path(root), Path(outside))
    (neighbour.root / "kept").mkdir(exist_ok=True)
    mischiefs: list[Callable[[], None]] = [getattr(neighbour, kind) for kind in kinds.split(",")]
    while not select.select([sys.stdin], [], [], 0)[0]:
        with suppress(OSError):
            random.choice(mischiefs)()
        time.sleep(random.random() * float(pause_sec))
    sys.stdout.write(json.dumps({"done": neighbour.done, "letters": neighbour.letters}))


if __name__ == "__main__":
    main(*sys.argv[1:])

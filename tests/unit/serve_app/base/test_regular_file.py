"""Only regular files are opened, also where a path changes while it is opened."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from serve_app.base.file_digests import FileDigests
from serve_app.base.regular_file import open_regular_file, read_regular_file


@pytest.mark.parametrize("kind", ["fifo", "link", "folder", "device", "through a link", "gone", "large"])
def test_only_a_regular_file_is_opened(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_bytes(b"secret")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to("other/file")
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "through a link":
        (tmp_path / "way").symlink_to("other")
        path = tmp_path / "way" / "file"
    elif kind == "large":
        path.write_bytes(b"x" * 101)
    for read in (read_regular_file, FileDigests().sha256):
        with pytest.raises(ValueError if kind == "large" else OSError) as caught:
            read(path, 100)
        assert str(tmp_path) not in (getattr(caught.value, "strerror", None) or str(caught.value))


@pytest.mark.parametrize("trap", ["link", "fifo", "folder link"])
def test_a_path_that_changes_while_it_is_opened_never_gives_another_file(trap: str, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "cad.ply").write_bytes(b"secret")
    place = tmp_path / "cads"
    place.mkdir()
    (place / "cad.ply").write_bytes(b"good")
    stop = threading.Event()

    def exchange() -> None:
        spare, victim = tmp_path / "spare", place if trap == "folder link" else place / "cad.ply"
        if trap == "fifo":
            os.mkfifo(spare)
        else:
            spare.symlink_to(tmp_path / "secret" if trap == "folder link" else tmp_path / "secret" / "cad.ply")
        while not stop.is_set():  # Three renames exchange the two.
            victim.rename(tmp_path / "third")
            spare.rename(victim)
            victim.rename(spare)
            (tmp_path / "third").rename(victim)

    thread = threading.Thread(target=exchange)
    thread.start()
    read = refused = 0
    try:
        until = time.monotonic() + 60
        while read + refused < 3000 or (not (read and refused) and time.monotonic() < until):
            try:
                with open_regular_file(tmp_path / "cads" / "cad.ply") as file:
                    assert file.read() == b"good"
                read += 1
            except OSError:
                refused += 1
    finally:
        stop.set()
        thread.join()
    assert read and refused, (read, refused)

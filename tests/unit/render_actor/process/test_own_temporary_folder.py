from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from render_actor.process.own_temporary_folder import own_temporary_folder

PREFIX = "renderer-"

_PROCESS = """
import sys, tempfile
from render_actor.process.own_temporary_folder import own_temporary_folder
tempfile.tempdir = sys.argv[1]
folder = own_temporary_folder(sys.argv[2])
(folder / "part.exr").write_text("pixels")
print(folder, flush=True)
sys.stdin.read()
"""


class Process:
    """Another process that has a folder of its own."""

    def __init__(self, parent: Path, *before: str) -> None:
        command = [*before, sys.executable, "-c", _PROCESS, str(parent), PREFIX]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.folder = Path(self._process.stdout.readline().strip())

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_folder_of_a_process_that_was_killed_is_removed_and_that_of_one_that_lives_is_not(parent: Path) -> None:
    killed, living = Process(parent), Process(parent)
    killed.kill()
    try:
        own = own_temporary_folder(PREFIX)
        assert own.is_dir() and not killed.folder.exists()
        assert (living.folder / "part.exr").read_text() == "pixels"
    finally:
        living.kill()


def test_a_process_that_counts_processes_for_itself_does_not_count_as_gone(parent: Path) -> None:
    own = own_temporary_folder(PREFIX)
    (own / "part.exr").write_text("pixels")
    unshare = ["unshare", "--pid", "--fork", "--kill-child", "--map-root-user"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no process namespace can be made here")
    other = Process(parent, *unshare)
    try:
        assert own.is_dir() and (own / "part.exr").exists() and other.folder.is_dir()
        assert own_temporary_folder(PREFIX) != other.folder and other.folder.is_dir()
    finally:
        other.kill()


def test_what_is_not_of_renderers_is_left_alone(parent: Path) -> None:
    for name in ("other-1", f"{PREFIX}file"):
        (parent / name).write_text("kept")
    (parent / "others").mkdir()
    (parent / f"{PREFIX}link").symlink_to(parent / "others")
    own = own_temporary_folder(PREFIX)
    assert {path.name for path in parent.iterdir()} == {"other-1", f"{PREFIX}file", "others", f"{PREFIX}link", own.name}


def test_a_folder_is_for_its_user_alone(parent: Path) -> None:
    assert own_temporary_folder(PREFIX).stat().st_mode & 0o777 == 0o700

"""A renderer's side of a sink, on a real disk."""

from __future__ import annotations

import os
import resource
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from render_actor.contract.sink import PROBE
from render_actor.contract.types import Sink
from render_actor.view.sink_folder import SinkFolder

NONCE = "5" * 32
FILES = {"rgb_0.5.png": b"rgb" * 1000, "mask_0.5.png": b"mask", "xyz_0.5.npy": b"xyz" * 5000}


@pytest.fixture
def sink(tmp_path: Path) -> Sink:
    folder = tmp_path / "sink"
    folder.mkdir()
    (folder / PROBE).write_text(NONCE)
    return Sink(str(folder), NONCE, "out")


@pytest.fixture
def folder(sink: Sink) -> Iterator[SinkFolder]:
    opened = SinkFolder(sink)
    yield opened
    opened.close()


def test_files_are_written_whole(sink: Sink, folder: SinkFolder) -> None:
    folder.write(FILES)
    there = {path.name: path.read_bytes() for path in Path(sink.folder).iterdir()}
    assert there == FILES | {PROBE: NONCE.encode()}


@pytest.mark.parametrize(
    "way", ["no folder", "no probe", "another nonce", "a longer nonce", "a link to it", "a probe that is a link", "a pipe"]
)
def test_a_folder_that_is_not_the_services_is_not_taken_for_it(tmp_path: Path, sink: Sink, way: str) -> None:
    path = Path(sink.folder)
    if way == "no folder":
        shutil.rmtree(path)
    elif way == "a link to it":
        path.rename(tmp_path / "moved")
        path.symlink_to(tmp_path / "moved")
    else:
        (path / PROBE).unlink()
        if way == "another nonce":
            (path / PROBE).write_text("6" * 32)
        elif way == "a longer nonce":
            (path / PROBE).write_text(NONCE + "5")
        elif way == "a probe that is a link":
            (tmp_path / "theirs").write_text(NONCE)
            (path / PROBE).symlink_to(tmp_path / "theirs")
        elif way == "a pipe":
            os.mkfifo(path / PROBE)
    with pytest.raises(OSError):
        SinkFolder(sink)


@pytest.mark.parametrize("kind", ["file", "link", "hard link"])
def test_nothing_that_is_there_is_written_to(tmp_path: Path, sink: Sink, folder: SinkFolder, kind: str) -> None:
    victim, planted = tmp_path / "victim", Path(sink.folder) / "mask_0.5.png"
    victim.write_text("theirs")
    if kind == "file":
        planted.write_text("theirs")
    elif kind == "link":
        planted.symlink_to(victim)
    else:
        planted.hardlink_to(victim)
    with pytest.raises(FileExistsError):
        folder.write(FILES)
    assert victim.read_text() == "theirs" and planted.read_text() == "theirs"
    assert sorted(os.listdir(sink.folder)) == ["mask_0.5.png", PROBE]


def test_of_files_that_do_not_all_fit_none_is_left(sink: Sink, folder: SinkFolder) -> None:
    """A limit on the size of files refuses like a disk that is full."""
    kept, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, kept[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            folder.write(FILES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
        signal.signal(signal.SIGXFSZ, handler)
    assert os.listdir(sink.folder) == [PROBE]


def test_files_go_into_the_folder_that_was_opened_whatever_its_path_leads_to_since(tmp_path: Path, sink: Sink, folder: SinkFolder) -> None:
    (tmp_path / "outside").mkdir()
    Path(sink.folder).rename(tmp_path / "moved")
    Path(sink.folder).symlink_to(tmp_path / "outside")
    folder.write(FILES)
    assert os.listdir(tmp_path / "outside") == [] and len(os.listdir(tmp_path / "moved")) == 4


def test_into_a_folder_that_was_removed_nothing_comes_any_more(tmp_path: Path, sink: Sink, folder: SinkFolder) -> None:
    shutil.rmtree(sink.folder)
    Path(sink.folder).mkdir()
    with pytest.raises(FileNotFoundError):
        folder.write(FILES)
    assert os.listdir(sink.folder) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user's")
def test_files_that_would_belong_to_somebody_else_are_not_left(sink: Sink) -> None:
    os.chown(Path(sink.folder) / PROBE, 4242, 4242)
    folder = SinkFolder(sink)
    with pytest.raises(PermissionError):
        folder.write(FILES)
    folder.close()
    assert os.listdir(sink.folder) == [PROBE]
